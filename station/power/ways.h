// SPDX-License-Identifier: Apache-2.0
// The ways to a switch, each in a file of its own. They block, until `until` at the latest.
// Private to this folder. Errors: power.failed.   Thread: any, one call at a time for each object.
#pragma once

#include "station/base/error.h"
#include "station/power/plan.h"

#include <chrono>
#include <memory>

namespace lineside::power {

using Until = std::chrono::steady_clock::time_point;

class Way {
  public:
    virtual ~Way() = default;
    virtual base::Status set(bool on, Until until) = 0;
};

[[nodiscard]] std::unique_ptr<Way> gpio_way(const SwitchPlan& plan);
[[nodiscard]] std::unique_ptr<Way> serial_way(const SwitchPlan& plan);
[[nodiscard]] std::unique_ptr<Way> http_way(const SwitchPlan& plan);
[[nodiscard]] std::unique_ptr<Way> snmp_way(const SwitchPlan& plan);
[[nodiscard]] std::unique_ptr<Way> command_way(const SwitchPlan& plan);

// Milliseconds to `until`, for poll(): 0 when it is past.
[[nodiscard]] int left_ms(Until until);

}  // namespace lineside::power
