// SPDX-License-Identifier: Apache-2.0
// Closes a slot in the transaction of the verdict that shows the trouble to be the slot's own
// (core/slot_trouble.h).   Thread: a db thread.   Durable: when the transaction commits.
#pragma once

#include "station/journal/slots.h"

namespace lineside::engine {

// Nothing where the slot stays as it is.   Errors: db.failed.
[[nodiscard]] base::Result<std::optional<journal::Closing>> judge_slot(db::Tx& tx,
                                                                       const journal::Stamp& stamp,
                                                                       base::JobId job,
                                                                       const std::string& slot);

}  // namespace lineside::engine
