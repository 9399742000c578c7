// SPDX-License-Identifier: Apache-2.0
// Why a person did what cannot be undone.   Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>

namespace lineside::engine {

inline constexpr std::size_t kLongestReason = 200;  // bytes, on a record, a page and a label

// Errors: request.invalid.
[[nodiscard]] inline base::Status good_reason(const std::string& reason) {
    const bool text = reason.find_first_not_of(" \t") != std::string::npos;
    if (!text || reason.size() > kLongestReason ||
        reason.find_first_of("\r\n") != std::string::npos) {
        return base::fail(
            "request.invalid",
            fmt::format("reason: say why, on one line of at most {} bytes", kLongestReason));
    }
    return {};
}

}  // namespace lineside::engine
