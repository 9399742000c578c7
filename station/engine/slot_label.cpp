// SPDX-License-Identifier: Apache-2.0
// The label half of SlotActor: where it is to be scanned, the tile clears with the right one alone.
#include "station/engine/label_desk.h"
#include "station/engine/slot_run.h"

#include "station/base/text.h"

#include <algorithm>

namespace lineside::engine {

using base::Json;
using core::LabelWait;
using labels::LabelRow;

namespace {

LabelWait wait_of(const LabelRow& label) {
    if (label.checked) {
        return LabelWait::none;
    }
    return label.state == "printed"  ? LabelWait::scan
           : label.state == "failed" ? LabelWait::failed
                                     : LabelWait::printing;
}

}  // namespace

bool SlotActor::label_first() const {
    const labels::PrinterPlan& printer = context_.config.printer;
    return printer.there() && printer.verify && run_ && verdict_ && !run_->acknowledged &&
           run_->verdict.outcome == core::Outcome::pass;
}

void SlotActor::label_changed(const LabelRow& label) {
    if (label_first() && run_->job == label.job) {
        run_->label = wait_of(label);
        publish(label.seq != 0 ? std::optional(label.seq) : std::nullopt);
    }
}

void SlotActor::check_label(std::string code, const std::string& actor, const Done& done) {
    if (!label_first() || deciding_ || run_->label == LabelWait::none ||
        run_->label == LabelWait::printing) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {} waits for no label to be scanned", slot_)));
    }
    deciding_ = true;
    struct Checked {
        bool right = false;
        std::int64_t seq = 0;
    };
    context_.store.write<Checked>(
        [stamp = context_.stamp(), job = run_->job, slot = slot_, actor,
         code = std::string(base::trim_blanks(code)),
         drawing = context_.drawing](db::Tx& tx) -> base::Result<Checked> {
            const auto failed = [](const base::Error& error) {
                return tl::unexpected<base::Error>(error);
            };
            auto subject = labels::subject_of(tx, job);
            auto document = subject ? labels::draw(*drawing, std::move(*subject))
                                    : base::Result<labels::Document>(failed(subject.error()));
            if (!document) {
                return failed(document.error());
            }
            const auto& codes = document->codes;
            if (std::find(codes.begin(), codes.end(), code) == codes.end()) {
                auto told = labels::label_wrong(tx, stamp, job, actor);
                return told ? base::Result<Checked>(Checked{false, *told}) : failed(told.error());
            }
            if (auto checked = labels::label_checked(tx, stamp, job, actor); !checked) {
                return failed(checked.error());
            }
            auto seq = journal::acknowledge(tx, stamp, job, slot, actor);
            return seq ? base::Result<Checked>(Checked{true, *seq}) : failed(seq.error());
        },
        [this, alive = alive_, done](const base::Result<Checked>& checked) {
            if (!*alive) {
                return;
            }
            deciding_ = false;
            if (!checked) {
                try_start_after(context_.patience.commit_again);
                return done(tl::unexpected<base::Error>(checked.error()));
            }
            if (checked->right) {
                return seen(checked->seq, done);
            }
            run_->label = LabelWait::wrong;
            publish(checked->seq);
            done(base::fail("label.wrong"));
        });
}

void SlotActor::skip_label(const std::string& reason, const std::string& actor, const Done& done) {
    if (!label_first() || deciding_ || run_->label == LabelWait::none) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {} waits for no label to be scanned", slot_)));
    }
    deciding_ = true;
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), job = run_->job, unit = run_->unit, slot = slot_, reason,
         actor](db::Tx& tx) -> base::Result<std::int64_t> {
            auto told = journal::append(
                tx, stamp, {"label.skipped", slot, unit, job, actor, {{"reason", reason}}});
            return told ? journal::acknowledge(tx, stamp, job, slot, actor) : told;
        },
        [this, alive = alive_, done](const base::Result<std::int64_t>& seq) {
            if (!*alive) {
                return;
            }
            deciding_ = false;
            if (!seq) {
                try_start_after(context_.patience.commit_again);
                return done(tl::unexpected<base::Error>(seq.error()));
            }
            seen(*seq, done);
        });
}

// The verdict is acknowledged, that is committed.
void SlotActor::seen(std::int64_t seq, const Done& done) {
    run_->acknowledged = true;
    run_->label = LabelWait::none;
    context_.engine.slot_looked_at(*this);
    if (!unit_here() || left_since_verdict_) {
        clear_verdict();
    }
    publish(seq);
    try_start();
    done(Json{{"slot", slot_}, {"acknowledged", true}});
}

}  // namespace lineside::engine
