// SPDX-License-Identifier: Apache-2.0
// Slot by slot: attempts, faults and whom each follows, closings. And the list by which the engine
// judges a slot at the end of a job.   Thread: a database thread's.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/db/query.h"
#include "station/records/attempts.h"

#include <string>
#include <vector>

namespace lineside::records {

// `slots`: those of the wall, in their order; others that have attempts follow.
// Shape: SlotHealth in web/api/openapi.yaml.   Errors: request.invalid (the time), db.failed.
[[nodiscard]] base::Result<base::Json> slot_health(db::Tx& tx, const StretchAsked& asked,
                                                   const std::vector<std::string>& slots);

// What core::slot_trouble looks at when `job` ended: the attempts of the last 24 hours with its
// image, newest first, at most 2,000; of a slot that was reopened only those that began since.
// Errors: db.failed.
[[nodiscard]] base::Result<std::vector<Attempt>> attempts_before(db::Tx& tx, std::int64_t job,
                                                                 std::int64_t now_ms);

}  // namespace lineside::records
