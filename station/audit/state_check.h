// SPDX-License-Identifier: Apache-2.0
// Do the state rows say what the journal says? Who drops a trigger and edits a job, a proof or a
// lease leaves the journal whole; but the row that explained the state is still there. README.md
// lists what is compared.
// Errors: db.failed.   Thread: a db thread, in one snapshot.
#pragma once

#include "station/audit/chain_check.h"
#include "station/db/query.h"
#include "station/trust/signing_key.h"

#include <optional>

namespace lineside::audit {

// The contradiction whose event comes first, if there is one.
[[nodiscard]] base::Result<std::optional<Finding>> check_state(db::Tx& tx,
                                                               const trust::PublicKeys& keys);

}  // namespace lineside::audit
