// SPDX-License-Identifier: Apache-2.0
// One slot's unit off and on again: off, a while, recovery line on, power on, a while, recovery
// line off. Whatever goes wrong in between, the power is asked to come back and the line to be let
// go. Thread: the io_context's. Lifetime: what is under way when it ends is left as it is.
#pragma once

#include "station/power/driver.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace lineside::power {

class Cycle {
  public:
    // `plan.power` is not `manual`.
    Cycle(boost::asio::io_context& loop, const SlotPower& plan, PortSwitch ports);
    // For tests: switches of their own; `recovery` may be null.
    Cycle(boost::asio::io_context& loop, const SlotPower& plan, std::unique_ptr<Switch> power,
          std::unique_ptr<Switch> recovery);
    ~Cycle();
    Cycle(const Cycle&) = delete;
    Cycle& operator=(const Cycle&) = delete;

    [[nodiscard]] bool busy() const { return done_ != nullptr; }
    // `done` comes later, once: when the power is on again and the line let go, or with the first
    // thing that went wrong. Not while busy(). Errors: power.failed.
    void run(std::string port, Done done);

  private:
    void switched_off(base::Status told);
    void recovery_held(base::Status told);
    void power_on();
    void switched_on(base::Status told);
    void let_go();
    void set(Switch& which, bool on, void (Cycle::*next)(base::Status));
    void wait(std::chrono::milliseconds time, void (Cycle::*next)());
    void end(base::Status told);
    void note(const base::Status& told);

    const std::chrono::milliseconds off_;
    const std::chrono::milliseconds hold_;
    std::unique_ptr<Switch> power_;
    std::unique_ptr<Switch> recovery_;
    boost::asio::steady_timer timer_;
    std::string port_;
    std::optional<base::Error> wrong_;  // first
    Done done_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::power
