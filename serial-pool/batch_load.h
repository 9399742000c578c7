// SPDX-License-Identifier: Apache-2.0
// Bringing a checked batch into the pool, all of it or nothing.
// Thread: a db thread.   Durable: when the caller's transaction commits.
#pragma once

#include "serial-pool/batch_csv.h"
#include "serial-pool/token_vault.h"
#include "station/base/ids.h"
#include "station/db/query.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lineside::serial_pool {

struct LoadRequest {
    std::string pool;   // made when it is new
    std::string batch;  // unique name
    bool test_only = false;
    std::int64_t at_ms = 0;
    std::string by_user;
    std::string file_sha256;  // of the bytes as they came
};

// Pools and batches are named like serials: [A-Za-z0-9][A-Za-z0-9._-]{0,63}.
[[nodiscard]] inline bool is_pool_name(std::string_view name) {
    return is_serial(name);
}
// "<pool>-<yyyymmdd>-<n>", the first that is free.
[[nodiscard]] base::Result<std::string> free_batch_name(db::Tx& tx, const std::string& pool,
                                                        std::int64_t at_ms);

// check_batch() and what the pool knows already: the preview, and the first half of a load. `vault`
// may be null: then tokens are compared within the file only.   Errors: db.failed.
[[nodiscard]] base::Result<BatchReport> check_against_pool(db::Tx& tx, const TokenVault* vault,
                                                           std::string_view bytes,
                                                           const BatchOptions& options);

struct LoadedBatch {
    base::BatchId batch;
    std::int64_t count = 0;  // pairs stored
    std::int64_t left = 0;   // free serials of the pool now
};
// Stores the rows of an accepted report. A report that is not accepted stores nothing:
// batch.invalid. Errors: batch.invalid, request.invalid (names), request.conflict (batch name
// taken), disk.full, db.failed.
[[nodiscard]] base::Result<LoadedBatch> load_batch(db::Tx& tx, const TokenVault& vault,
                                                   const LoadRequest& request,
                                                   const BatchReport& report);

// Has the database sealed tokens, and does the key open them? Call at start: a new key must not be
// made when `sealed_tokens` is true.   Errors: secret.broken.
[[nodiscard]] base::Result<bool> sealed_tokens(db::Tx& tx);
[[nodiscard]] base::Status check_key(db::Tx& tx, const TokenVault& vault);

}  // namespace lineside::serial_pool
