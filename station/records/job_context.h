// SPDX-License-Identifier: Apache-2.0
// What one attempt is read beside: how long its steps usually take, and what stood in its slot just
// before and after. "Usual" is counted from attempts before it, so that a record reads the same
// months later.
// Thread: a database reader's.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/db/query.h"

#include <cstdint>

namespace lineside::records {

inline constexpr std::int64_t kMostUsual = 500;         // newest passed attempts that are counted
inline constexpr std::int64_t kLookedThrough = 20'000;  // attempts of any kind before and after
inline constexpr std::int64_t kLeastUsual = 5;          // fewer say nothing of what is usual

// Shape: JobContext in web/api/openapi.yaml.
// Errors: request.unknown (no such job), db.failed.
[[nodiscard]] base::Result<base::Json> job_context(db::Tx& tx, std::int64_t job);

}  // namespace lineside::records
