// SPDX-License-Identifier: Apache-2.0
// What the wall tells of the day so far. Counted anew from the newest attempts, as many as two days
// have; nothing is kept.
// Thread: a database reader's.
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"

#include <cstdint>
#include <optional>

namespace lineside::records {

struct DaySoFar {
    std::int64_t made = 0;          // units that passed since midnight
    std::int64_t first_judged = 0;  // units judged (PASS or FAIL) for the first time
    std::int64_t first_passed = 0;  // … and passed
    // Seconds from one PASS to the next: the last hour, or since the line began within it, shared
    // among the PASS in it. None: no PASS in the last hour.
    std::optional<double> takt_s;
};

// The last midnight of this host's clock on the wall, UTC.
[[nodiscard]] std::int64_t local_midnight_ms(std::int64_t now_ms);

// Errors: db.failed.
[[nodiscard]] base::Result<DaySoFar> day_so_far(db::Tx& tx, std::int64_t midnight_ms,
                                                std::int64_t now_ms);

}  // namespace lineside::records
