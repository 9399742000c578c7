// SPDX-License-Identifier: Apache-2.0
// A port that comes and goes closes its slot: what leaves it though nothing that the station knows
// of explains that, over and over.
#include "station/base/codes.h"
#include "station/base/log.h"
#include "station/engine/slot_run.h"

namespace lineside::engine {

namespace {
constexpr std::string_view kFlapping = "slot.flapping";
}  // namespace

// `expected`: by its job. Besides, a judged unit is taken out, and what is switched, sent to
// recovery mode or used to map the ports leaves for that.
void SlotActor::count_leave(bool expected) {
    const bool taken_out = verdict_ && !left_since_verdict_;
    const bool switched = power_asked_ || power_busy() || job_.power != core::PowerCycle::none;
    if (!mapped_ || skip_ || closing_ || expected || taken_out || switched || sender_ ||
        used_to_map_ || returning()) {
        return;
    }
    leaves_.left(context_.clock.mono_ns());
}

void SlotActor::left_with_hub(std::int64_t since_mono_ns) {
    leaves_.explained(since_mono_ns);
}

// Only of a port that is back: a hub that left would have been told of by then. While a worker's
// word may be on its way nothing is known.
void SlotActor::close_if_flapping() {
    if (!device_ || closing_ || closing_itself_ || (run_ && run_->unannounced)) {
        return;
    }
    const auto found = leaves_.judge(context_.clock.mono_ns());
    if (!found) {
        return;
    }
    closing_itself_ = true;  // nothing is begun meanwhile
    const base::JobId job = live() ? run_->job : base::JobId{};
    std::string reason =
        fmt::format("{}, came and went {} times in {} s", base::code_entry(kFlapping).display,
                    found->times, found->seconds);
    context_.store.write<journal::Closing>(
        [stamp = context_.stamp(), slot = slot_, job, reason, found = *found](db::Tx& tx) {
            return journal::close_slot(
                tx, stamp, slot, job, journal::kByRule, reason,
                {{"code", kFlapping}, {"times", found.times}, {"seconds", found.seconds}});
        },
        [this, alive = alive_](base::Result<journal::Closing> closed) {
            if (!*alive) {
                return;
            }
            closing_itself_ = false;
            if (closed) {
                base::log_warning("slot {} closed itself: {}", slot_, closed->reason);
                set_closing(*closed);
                publish(closed->seq);
            } else if (closed.error().code != "slot.closed") {  // it is tried again with the next
                context_.engine.records_failing(closed.error());
            }
            try_start();
        });
}

}  // namespace lineside::engine
