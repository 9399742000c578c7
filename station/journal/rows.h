// SPDX-License-Identifier: Apache-2.0
// Private to station/journal.
#pragma once

#include "station/journal/journal.h"

#include <string_view>

namespace lineside::journal {

// Runs a statement for its effect; the number of rows must be one where `exactly_one`.
inline Status run_one(Result<std::int64_t> changed, std::string_view what) {
    if (!changed) {
        return tl::unexpected<base::Error>(changed.error());
    }
    if (*changed != 1) {
        return base::fail("station.bug",
                          fmt::format("{} changed {} rows instead of one", what, *changed));
    }
    return {};
}

}  // namespace lineside::journal
