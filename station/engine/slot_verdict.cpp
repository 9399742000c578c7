// SPDX-License-Identifier: Apache-2.0
// The verdict half of SlotActor: who takes it away (a person, the next unit), who asks for another
// attempt.
#include "station/engine/label_desk.h"
#include "station/engine/slot_run.h"

#include <utility>

namespace lineside::engine {

using base::Json;
using core::JobState;

void SlotActor::stop(const base::Error& why, const std::string& actor) {
    if (live()) {
        run_->stopped_by = actor;
        deliver(core::StopAsked{why});
    }
}

void SlotActor::acknowledge(const std::string& actor, const Done& done) {
    if (live() && by_hand() && job_.power == core::PowerCycle::switching) {
        return switched_by_hand(done);
    }
    if (!run_ || !verdict_ || run_->acknowledged || deciding_) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {} has nothing to acknowledge", slot_)));
    }
    if (run_->label != core::LabelWait::none) {
        return done(base::fail("request.conflict", fmt::format("Slot {}: scan the label", slot_)));
    }
    deciding_ = true;
    struct Acknowledged {
        std::int64_t seq = 0;  // 0: its label is to be scanned first
        std::optional<labels::LabelRow> label;
    };
    context_.store.write<Acknowledged>(
        [stamp = context_.stamp(), job = run_->job, slot = slot_, actor, label = labelled(),
         first = label_first(),
         drawing = context_.drawing](db::Tx& tx) -> base::Result<Acknowledged> {
            Acknowledged out;
            if (label) {
                auto asked = ask_in(tx, stamp, job, *drawing, actor);
                if (!asked) {
                    return tl::unexpected<base::Error>(asked.error());
                }
                out.label = *asked;
                if (first && out.label && !out.label->checked) {
                    return out;
                }
            }
            auto seq = journal::acknowledge(tx, stamp, job, slot, actor);
            out.seq = seq.value_or(0);
            return seq ? base::Result<Acknowledged>(out) : tl::unexpected<base::Error>(seq.error());
        },
        [this, alive = alive_, done](const base::Result<Acknowledged>& acknowledged) {
            if (!*alive) {
                return;
            }
            deciding_ = false;
            if (!acknowledged) {
                try_start_after(
                    context_.patience.commit_again);  // somebody may have plugged in meanwhile
                return done(tl::unexpected<base::Error>(acknowledged.error()));
            }
            if (acknowledged->label) {
                context_.engine.label_asked(*acknowledged->label);
            }
            if (acknowledged->seq == 0) {
                try_start();  // a unit that is there is told what it waits for
                return done(Json{{"slot", slot_}, {"acknowledged", false}});
            }
            seen(acknowledged->seq, done);
        });
}

// Taking its verdict away asks for the unit's label.
bool SlotActor::labelled() const {
    return context_.config.printer.there() && run_ && verdict_ &&
           run_->verdict.outcome == core::Outcome::pass;
}

void SlotActor::retry(const std::string& actor, const Done& done) {
    if (!run_ || !verdict_ || run_->verdict.outcome == core::Outcome::pass) {
        return done(
            base::fail("request.conflict", fmt::format("Slot {} has nothing to try again", slot_)));
    }
    if (deciding_) {
        return done(
            base::fail("request.conflict", fmt::format("Slot {} is starting already", slot_)));
    }
    if (closing_) {
        return done(base::fail("slot.closed", fmt::format("Slot {}: {}", slot_, closing_->reason)));
    }
    if (model_ == nullptr) {
        return done(
            base::fail("request.conflict",
                       fmt::format("Slot {}: no unit in recovery mode is plugged in", slot_)));
    }
    const auto choice = context_.engine.order_for(model_->id);
    if (choice.order == nullptr) {
        return done(
            base::fail("request.conflict", fmt::format("Slot {}: {}", slot_, choice.reason)));
    }
    const bool same_unit = !left_since_verdict_;
    open_job(*choice.order, same_unit ? std::optional(run_->unit) : std::nullopt, actor,
             [done, slot = slot_](const base::Status& opened) {
                 done(opened ? base::Result<Json>(Json{{"slot", slot}, {"started", true}})
                             : tl::unexpected<base::Error>(opened.error()));
             });
}

void SlotActor::rework(const std::string& reason, const std::string& actor, const Done& done) {
    const bool known =
        run_ && verdict_ && run_->verdict.error && run_->verdict.error->code == "unit.known";
    if (!known || deciding_) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {} shows no unit that has passed before", slot_)));
    }
    const auto stamp = context_.stamp();
    context_.store.write<std::int64_t>(
        [stamp, job = run_->job, slot = slot_, reason, actor](db::Tx& tx) {
            return journal::allow_rework(tx, stamp, job, slot, reason, actor);
        },
        [this, alive = alive_, actor, done](base::Result<std::int64_t> seq) {
            if (!*alive) {
                return;
            }
            if (!seq) {
                return done(tl::unexpected<base::Error>(seq.error()));
            }
            if (run_ && verdict_ && !run_->acknowledged) {
                return acknowledge(actor, done);
            }
            done(Json{{"slot", slot_}, {"allowed", true}});
        });
}

void SlotActor::fail_job(const base::Error& why) {
    if (live()) {  // in whatever state: a twin may be waiting for its boot or for its unit
        deliver(core::StopAsked{why});
    }
}

void SlotActor::clear_verdict() {
    run_.reset();
    verdict_ = false;
    job_ = core::Job{};
    job_.state = JobState::closed;
    since_ms_ = context_.clock.wall_ms();
}

void SlotActor::next_unit_waits() {
    acknowledge("next unit", [this, alive = alive_](const base::Result<Json>& acknowledged) {
        if (*alive && !acknowledged) {
            context_.engine.records_failing(acknowledged.error());
        }
    });
}

}  // namespace lineside::engine
