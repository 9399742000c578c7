// SPDX-License-Identifier: Apache-2.0
// What a manager asks of a stretch of time: how many, how good, why not, where the time goes, which
// slot is ill. Everything is counted from the rows of attempts that ended in it; nothing is kept.
// Thread: a database reader's.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/db/query.h"
#include "station/records/attempts.h"

#include <cstdint>

namespace lineside::records {

inline constexpr std::int64_t kMostTimed =
    5'000;  // newest passed attempts whose steps are looked at

// The line is at work while a unit is, and between two units unless that takes longer: a break.
inline constexpr std::int64_t kBreakMs = 600'000;

// Shape: Numbers in web/api/openapi.yaml.   Errors: request.invalid (the time), db.failed.
[[nodiscard]] base::Result<base::Json> numbers(db::Tx& tx, const StretchAsked& asked);

}  // namespace lineside::records
