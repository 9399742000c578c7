// SPDX-License-Identifier: Apache-2.0
// The terms of an order: model and recipe as they were when it was opened. What is made under one
// order is made in one way, whatever the configuration says later.
// Thread: any (pure; with secrets it takes some ten milliseconds each).
#pragma once

#include "station/base/error.h"
#include "station/core/profile.h"

#include <string>

namespace lineside::engine {

// The steps as canonical JSON: name, method, parameters, the unit's own values; of a secret a
// digest. How long a step may take and how often it is tried are no terms.
// Errors: protocol.invalid (a number too great to be written exactly).
[[nodiscard]] base::Result<std::string> recipe_terms(const core::Profile& profile);

// In words what differs from what the order was opened with ("step 6, set-wifi-ap: ssid"); "" =
// nothing. `then`: recipe_terms() of that day; "" = it was not kept then.
[[nodiscard]] std::string changed_terms(const std::string& then, const std::string& now);

}  // namespace lineside::engine
