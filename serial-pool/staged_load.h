// SPDX-License-Identifier: Apache-2.0
// Bringing a batch into the pool, all of it or nothing, while units are made: it is read, checked
// and sealed on the caller's thread, its rows go into the store in slices that hold the writer a
// few milliseconds each, and nobody sees one of them until open_batch() says so in one small
// transaction. Who dies between leaves a batch in state `loading`: remove_unfinished() at the next
// start.
// Thread: one that may wait (neither the loop's nor a db thread), but for open_batch().
// Durable: each slice is when it is done; the batch is when the transaction of open_batch() is.
#pragma once

#include "serial-pool/batch_csv.h"
#include "serial-pool/token_vault.h"
#include "station/base/ids.h"
#include "station/db/store.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::serial_pool {

struct LoadRequest {
    std::string pool;   // made when it is new
    std::string batch;  // unique name; empty: made of pool, date and number
    bool test_only = false;
    std::int64_t at_ms = 0;
    std::string by_user;
    std::string order{};       // for this order alone; empty: for any of the pool
    std::string token_rule{};  // JSON: how its tokens were generated; empty: it came as a file
    bool generated = false;
};

// Pools and batches are named like serials: [A-Za-z0-9][A-Za-z0-9._-]{0,63}.
[[nodiscard]] inline bool is_pool_name(std::string_view name) {
    return is_serial(name);
}

struct StagedBatch {
    base::BatchId id;
    std::string name;
    std::string pool;
    std::int64_t count = 0;  // pairs stored
};
struct LoadOutcome {
    base::Json check;                   // to_json(report, "", details)
    std::optional<StagedBatch> staged;  // nothing: the check was not accepted, nothing is stored
};

// Checks the file, also against what the pool holds, and says what stage_batch() would say: of the
// file first, then of names and order. Nothing is stored.   Errors: request.invalid (names, order),
// request.conflict (batch name taken), db.failed.
[[nodiscard]] base::Result<LoadOutcome> preview_batch(db::Store& store, const TokenVault& vault,
                                                      const LoadRequest& request,
                                                      std::string_view bytes,
                                                      const BatchOptions& options);
// Stages a batch. One at a time for a store. A load that fails half way takes its rows back; one
// that is told to stop leaves them to the next start.   Errors: request.refused (stopped),
// request.invalid (names, order), request.conflict (batch name taken), batch.invalid (rows came in
// between), disk.full, db.failed, secret.broken.
[[nodiscard]] base::Result<LoadOutcome> stage_batch(db::Store& store, const TokenVault& vault,
                                                    const LoadRequest& request,
                                                    std::string_view bytes,
                                                    const BatchOptions& options,
                                                    const std::atomic<bool>& stop);
// loading -> open.   Thread: a db thread.   Errors: db.failed.
[[nodiscard]] base::Status open_batch(db::Tx& tx, base::BatchId batch);
// Takes back a batch that was staged and is not open.   Errors: db.failed, disk.full.
[[nodiscard]] base::Status remove_staged(db::Store& store, base::BatchId batch);
// Takes back every batch that is still loading; call at start, before anything is served, and
// before a load. Returns their names.   Errors: db.failed, disk.full.
[[nodiscard]] base::Result<std::vector<std::string>> remove_unfinished(db::Store& store);

}  // namespace lineside::serial_pool
