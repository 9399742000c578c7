// SPDX-License-Identifier: Apache-2.0
// [slot.power] and [slot.recovery] out of TOML.   Thread: any.
#pragma once

#include "station/config/config.h"

#include "station/base/toml.h"

namespace lineside::config {

// Of the slot that `slot` is; nothing where neither stands, and where [slot.power] is wrong.
[[nodiscard]] std::optional<power::SlotPower> read_power(const toml::table& slot,
                                                         const toml::table* power,
                                                         const toml::table* recovery,
                                                         const std::string& file,
                                                         std::vector<Complaint>& complaints);

}  // namespace lineside::config
