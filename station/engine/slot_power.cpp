// SPDX-License-Identifier: Apache-2.0
// Power of the slot's unit: switched off and on before a retry of its flash, after a restart of the
// service that cut a flash short, and when a technician says so. Always at the unit's own port.
#include "station/engine/slot_run.h"

#include <utility>

namespace lineside::engine {

using base::Json;
using core::JobState;

namespace {
// What the switching itself may add to the times that are configured.
constexpr std::chrono::seconds kSwitching{30};
}  // namespace

void SlotActor::find_power() {
    for (const config::SlotConfig& row : context_.config.slots) {
        if (mapped_ && row.label == slot_ && row.power) {
            power_plan_ = &*row.power;
        }
    }
    if (power_plan_ != nullptr && !by_hand()) {
        power_ = std::make_unique<power::Cycle>(
            context_.loop, *power_plan_,
            [&launcher = context_.launcher](const std::string& port, bool on, power::Done done) {
                launcher.switch_port(port, on, std::move(done));
            });
    }
}

bool SlotActor::by_hand() const {
    return power_plan_ != nullptr && power_plan_->power.driver == power::Driver::manual;
}

bool SlotActor::power_busy() const {
    return power_ != nullptr && power_->busy();
}

// A unit that leaves its port meanwhile is the same one when it comes back.
std::int64_t SlotActor::power_takes_ns() const {
    const auto all = power_plan_->off + power_plan_->hold + power_plan_->back + kSwitching;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(all).count();
}

void SlotActor::cycle_power() {
    run_->window.reset();
    run_->unannounced = false;
    announce_timer_.cancel();
    if (by_hand()) {
        arm(replug_timer_, power_plan_->power.within,
            core::PowerFailed{base::make_error("power.not_done")});
        return publish(std::nullopt);
    }
    switch_off_and_on("", [this](const base::Status& told) {
        if (live() && job_.power != core::PowerCycle::none) {
            if (told) {
                deliver(core::PowerCycled{});
            } else {
                deliver(core::PowerFailed{told.error()});
            }
        }
    });
    publish(std::nullopt);
}

// Who asked is on disk before the switch is touched, and afterwards what came of it. `done` is not
// called when the slot ends before.
void SlotActor::switch_off_and_on(const std::string& actor,
                                  std::function<void(base::Status)> done) {
    const base::JobId job = job_id();
    const base::UnitId unit = run_ ? run_->unit : base::UnitId{};
    if (power_busy() || std::exchange(power_asked_, true)) {
        return done(base::fail("power.failed", "The power is being switched already"));
    }
    const std::string driver(power::to_text(power_plan_->power.driver));
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), slot = slot_, job, unit, actor, driver](db::Tx& tx) {
            return journal::append(
                tx, stamp, {"unit.power_asked", slot, unit, job, actor, {{"driver", driver}}});
        },
        [this, alive = alive_, job, unit, actor,
         done = std::move(done)](const base::Result<std::int64_t>& seq) {
            if (!*alive) {
                return;
            }
            power_asked_ = false;
            if (!seq) {
                context_.engine.records_failing(seq.error());
                return done(tl::unexpected<base::Error>(seq.error()));
            }
            publish(*seq);
            if (verdict_ || !live()) {
                returning_until_mono_ns_ = context_.clock.mono_ns() + power_takes_ns();
            }
            power_->run(port_, [this, job, unit, actor, done](base::Status told) {
                power_told(job, unit, actor, told);
                done(std::move(told));
            });
        });
}

void SlotActor::power_told(base::JobId job, base::UnitId unit, const std::string& actor,
                           const base::Status& told) {
    const std::string result = told ? "done" : told.error().message;
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), slot = slot_, job, unit, actor, ok = told.has_value(),
         result](db::Tx& tx) {
            return journal::append(
                tx, stamp,
                {"unit.power_cycled", slot, unit, job, actor, {{"ok", ok}, {"result", result}}});
        },
        [this, alive = alive_](const base::Result<std::int64_t>& seq) {
            if (*alive && seq) {
                publish(*seq);
            } else if (*alive) {
                context_.engine.records_failing(seq.error());
            }
        });
}

// The person says it is done; what counts is that the unit leaves and comes back.
void SlotActor::switched_by_hand(const Done& done) {
    if (!job_.power_left) {
        return done(base::fail("request.conflict",
                               fmt::format("Slot {}: its unit has not been off yet", slot_)));
    }
    deliver(core::PowerCycled{});
    publish(std::nullopt);
    done(Json{{"slot", slot_}, {"acknowledged", true}});
}

// A flash that the end of the service cut short left a unit that only a new start helps.
void SlotActor::power_after_restart() {
    const bool cut = live() && job_.state == JobState::interrupted && job_.flash_again &&
                     run_->touched && run_->resume_by_itself && run_->profile != nullptr &&
                     !run_->profile->disk;
    if (cut && power_) {
        switch_off_and_on("", [](const base::Status&) {});
    }
}

void SlotActor::cycle_power_for(const std::string& actor, const Done& done) {
    if (power_ == nullptr) {
        return done(base::fail(
            "request.conflict",
            fmt::format("Slot {} has no power switch in station.toml ([slot.power])", slot_)));
    }
    if (live() && job_.state != JobState::interrupted && job_.state != JobState::queued) {
        return done(
            base::fail("request.conflict",
                       fmt::format("Slot {}: its unit is being worked on, stop it first", slot_)));
    }
    switch_off_and_on(actor, [done, slot = slot_](const base::Status& told) {
        done(told ? base::Result<Json>(Json{{"slot", slot}, {"cycled", true}})
                  : tl::unexpected<base::Error>(told.error()));
    });
}

}  // namespace lineside::engine
