// SPDX-License-Identifier: Apache-2.0
// Which key of the key file seals, by the database: a row of seal_key for each key that ever did.
//   current   seals                    retiring  rows are still sealed by it
//   retired   no row is; its line in the key file may go
// The last line of the file is the wanted one. A rotation is one small commit (settle_keys) and
// then `reseal`, which may be killed anywhere: each row names its key, so the next one goes on.
// Crash points: key_row_written, reseal_rows, key_retired.
#pragma once

#include "serial-pool/token_vault.h"
#include "station/db/query.h"
#include "station/db/store.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lineside::serial_pool {

// The first start writes the key in use on record; a new last line begins a rotation. What happened
// is the caller's to tell in the journal, in the same transaction.
struct KeyChange {
    std::string key_id;  // hex
    std::string before;  // "" = the first key on record
};
// Errors: secret.broken (keys on record that the file has not: have …, need …; a key of the file
// that was retired), db.failed.
[[nodiscard]] base::Result<std::optional<KeyChange>> settle_keys(db::Tx& tx,
                                                                 const TokenVault& vault,
                                                                 std::int64_t at_ms);
// Makes the vault seal and judge as the database says: after settle_keys is committed.
[[nodiscard]] base::Status adopt_keys(db::Tx& tx, TokenVault& vault);
// Is a key on record, or anything sealed? Then a key file is never made anew.
[[nodiscard]] base::Result<bool> any_key_known(db::Tx& tx);
// Is every key there that rows are sealed with, and does it open them? Reads only.
// Errors: secret.broken.
[[nodiscard]] base::Status check_keys(db::Tx& tx, const TokenVault& vault);

// Seals anew what another key than the current one sealed, in slices of the writer's time. Gives
// how many rows that were.   Errors: secret.broken (a row that does not open), request.refused
// (`go_on` said no), db.failed, disk.full.   Thread: one that may wait.
[[nodiscard]] base::Result<std::int64_t> reseal(db::Store& store, const TokenVault& vault,
                                                const std::function<bool()>& go_on);
// Keys that are retiring; to be retired after a reseal that found nothing.
[[nodiscard]] base::Result<std::vector<std::string>> retiring_keys(db::Tx& tx);
[[nodiscard]] base::Status retire_key(db::Tx& tx, const std::string& key_id);

struct KeyOnRecord {
    std::string key_id;
    std::string state;
    std::int64_t made_ms = 0;
};
[[nodiscard]] base::Result<std::vector<KeyOnRecord>> keys_on_record(db::Tx& tx);

}  // namespace lineside::serial_pool
