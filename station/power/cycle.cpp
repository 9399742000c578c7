// SPDX-License-Identifier: Apache-2.0
#include "station/power/cycle.h"

#include "station/base/log.h"

#include <utility>

namespace lineside::power {

Cycle::Cycle(boost::asio::io_context& loop, const SlotPower& plan, PortSwitch ports)
    : Cycle(loop, plan, make_switch(loop, plan.power, ports),
            plan.recovery ? make_switch(loop, *plan.recovery, ports) : nullptr) {}

Cycle::Cycle(boost::asio::io_context& loop, const SlotPower& plan, std::unique_ptr<Switch> power,
             std::unique_ptr<Switch> recovery)
    : off_(plan.off),
      hold_(plan.hold),
      power_(std::move(power)),
      recovery_(std::move(recovery)),
      timer_(loop) {}

Cycle::~Cycle() {
    *alive_ = false;
}

void Cycle::run(std::string port, Done done) {
    port_ = std::move(port);
    done_ = std::move(done);
    wrong_.reset();
    set(*power_, false, &Cycle::switched_off);
}

void Cycle::note(const base::Status& told) {
    if (!told) {
        base::log_warning("power of {}: {}", port_, told.error().message);
        if (!wrong_) {
            wrong_ = told.error();
        }
    }
}

void Cycle::switched_off(base::Status told) {
    note(told);
    if (!told) {
        return power_on();  // it may be off nevertheless
    }
    if (!recovery_) {
        return wait(off_, &Cycle::power_on);
    }
    set(*recovery_, true, &Cycle::recovery_held);
}

void Cycle::recovery_held(base::Status told) {
    note(told);
    wait(off_, &Cycle::power_on);
}

void Cycle::power_on() {
    set(*power_, true, &Cycle::switched_on);
}

void Cycle::switched_on(base::Status told) {
    note(told);
    if (!recovery_) {
        return end({});
    }
    wait(wrong_ ? std::chrono::milliseconds(0) : hold_, &Cycle::let_go);
}

void Cycle::let_go() {
    set(*recovery_, false, &Cycle::end);
}

void Cycle::end(base::Status told) {
    note(told);
    if (auto done = std::exchange(done_, nullptr)) {
        done(wrong_ ? base::Status(tl::unexpected<base::Error>(*wrong_)) : base::Status());
    }
}

void Cycle::set(Switch& which, bool on, void (Cycle::*next)(base::Status)) {
    which.set(port_, on, [this, alive = alive_, next](base::Status told) {
        if (*alive) {
            (this->*next)(std::move(told));
        }
    });
}

void Cycle::wait(std::chrono::milliseconds time, void (Cycle::*next)()) {
    timer_.expires_after(time);
    timer_.async_wait([this, alive = alive_, next](boost::system::error_code error) {
        if (!error && *alive) {
            (this->*next)();
        }
    });
}

}  // namespace lineside::power
