// SPDX-License-Identifier: Apache-2.0
// The verdict half of SlotActor: who takes it away (a person, the next unit), who asks for another
// attempt.
#include "station/engine/slot_run.h"

#include <utility>

namespace lineside::engine {

using base::Json;
using core::JobState;

namespace {

constexpr std::chrono::milliseconds kTryAgain{1000};  // after the disk did not take a row

}  // namespace

void SlotActor::stop(const base::Error& why, const std::string& actor) {
    if (live()) {
        run_->stopped_by = actor;
        deliver(core::StopAsked{why});
    }
}

void SlotActor::acknowledge(const std::string& actor, const Done& done) {
    if (!run_ || !verdict_ || run_->acknowledged) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {} has nothing to acknowledge", slot_)));
    }
    const auto stamp = context_.stamp();
    const auto job = run_->job;
    context_.store.write<std::int64_t>(
        [stamp, job, slot = slot_, actor](db::Tx& tx) {
            return journal::acknowledge(tx, stamp, job, slot, actor);
        },
        [this, alive = alive_, job, done](base::Result<std::int64_t> seq) {
            if (!seq) {
                return done(tl::unexpected<base::Error>(seq.error()));
            }
            if (*alive && run_ && verdict_ && run_->job == job) {
                run_->acknowledged = true;
                if (!device_ || left_since_verdict_) {
                    clear_verdict();
                }
                publish(*seq);
                try_start();
            }
            done(Json{{"slot", slot_}, {"acknowledged", true}});
        });
}

void SlotActor::retry(const std::string& actor, const Done& done) {
    if (!run_ || !verdict_ || run_->verdict.outcome == core::Outcome::pass) {
        return done(
            base::fail("request.conflict", fmt::format("Slot {} has nothing to try again", slot_)));
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
    const auto unit = same_unit ? std::optional(run_->unit) : std::nullopt;
    const OrderView order = *choice.order;
    const auto start = [this, alive = alive_, order, unit, actor,
                        done](base::Result<Json> acknowledged) {
        if (!acknowledged || !*alive) {
            return done(std::move(acknowledged));
        }
        if (!live() && !opening_) {
            clear_verdict();
            open_job(order, unit, actor);
        }
        done(Json{{"slot", slot_}, {"started", true}});
    };
    if (run_->acknowledged) {
        return start(Json::object());
    }
    const auto stamp = context_.stamp();
    const auto job = run_->job;
    opening_ = true;  // nothing else may start here meanwhile
    context_.store.write<std::int64_t>(
        [stamp, job, slot = slot_, actor](db::Tx& tx) {
            return journal::acknowledge(tx, stamp, job, slot, actor);
        },
        [this, alive = alive_, start](base::Result<std::int64_t> seq) {
            if (*alive) {
                opening_ = false;
                if (seq && run_) {
                    run_->acknowledged = true;
                }
            }
            start(seq ? base::Result<Json>(Json::object())
                      : tl::unexpected<base::Error>(seq.error()));
        });
}

void SlotActor::clear_verdict() {
    run_.reset();
    verdict_ = false;
    job_ = core::Job{};
    job_.state = JobState::closed;
    since_ms_ = context_.clock.wall_ms();
}

void SlotActor::next_unit_waits() {
    opening_ = true;  // nothing else may start here meanwhile
    acknowledge("next unit", [this, alive = alive_](const base::Result<Json>& acknowledged) {
        if (!*alive) {
            return;
        }
        opening_ = false;
        if (acknowledged) {
            return try_start();
        }
        context_.engine.records_failing(acknowledged.error());
        try_start_in(kTryAgain);
    });
}

}  // namespace lineside::engine
