// SPDX-License-Identifier: Apache-2.0
// The reason a person gives for what cannot be undone.   Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <string>

namespace lineside::engine {

inline constexpr std::size_t kLongestReason = 200;  // bytes, on a record, a page and a label

// Errors: request.invalid (empty, too long, more than a line).
[[nodiscard]] base::Status good_reason(const std::string& reason);

}  // namespace lineside::engine
