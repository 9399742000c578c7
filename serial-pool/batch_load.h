// SPDX-License-Identifier: Apache-2.0
// A batch file against a database that is only read, and which key its tokens are sealed with.
// Thread: a db thread.
#pragma once

#include "serial-pool/batch_csv.h"
#include "serial-pool/token_vault.h"
#include "station/base/ids.h"
#include "station/db/query.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lineside::serial_pool {

// check_batch() and what the pool knows already, for a command without a service. `vault` may be
// null: then tokens are compared within the file only.   Errors: db.failed.
[[nodiscard]] base::Result<BatchReport> check_against_pool(db::Tx& tx, const TokenVault* vault,
                                                           std::string_view bytes,
                                                           const BatchOptions& options);

// Has the database sealed tokens, and does the key open them? Call at start: a new key must not be
// made when `sealed_tokens` is true.   Errors: secret.broken.
[[nodiscard]] base::Result<bool> sealed_tokens(db::Tx& tx);
[[nodiscard]] base::Status check_key(db::Tx& tx, const TokenVault& vault);

}  // namespace lineside::serial_pool
