// SPDX-License-Identifier: Apache-2.0
// The three proofs of a PASS as the unit page shows them: image, serial, saved.
// Thread: a database read thread.
#pragma once

#include "station/base/json.h"
#include "station/db/query.h"

namespace lineside::api {

// Proof[] of openapi.yaml for one job, always three of them.
[[nodiscard]] base::Result<base::Json> proofs_of(db::Tx& tx, std::int64_t job);

}  // namespace lineside::api
