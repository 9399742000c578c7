// SPDX-License-Identifier: Apache-2.0
// What happened after a backup was made, as far as it can be told, brought into the copy that is to
// be the station's database. Private to station/care (restore.h).
// Thread: the command's.
#pragma once

#include "station/base/error.h"
#include "station/journal/journal.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace lineside::care {

enum class OldDatabase { none, unreadable, incomplete, whole };
[[nodiscard]] std::string_view to_text(OldDatabase old);

struct OldState {
    OldDatabase what = OldDatabase::none;
    std::string why;             // when it is not whole
    std::filesystem::path copy;  // one file to attach; "" when it cannot be read
    std::int64_t last_job = 0;
};

// Looks at the database `database` and its log by a copy of them at `scratch`; `restored` is the
// copy of the backup, brought to this schema: the old one must go on where that ends. `newest_log`:
// the highest job a log folder is there for; `running`: the mark of a service that did not end.
[[nodiscard]] OldState look_at_old(const std::filesystem::path& database,
                                   const std::filesystem::path& scratch, sqlite3* restored,
                                   std::int64_t newest_log, bool running);

struct TakenOver {
    std::int64_t in_doubt = 0;
    std::vector<std::string> batches;
};
// Inside the caller's transaction, with the old database attached as `old`.
[[nodiscard]] base::Result<TakenOver> take_over(db::Tx& tx, const journal::Stamp& stamp);

struct SetAside {
    std::int64_t in_doubt = 0;        // leases that were open in the backup
    std::vector<std::string> closed;  // batches
    std::int64_t serials = 0;         // given up one by one
};
// For lost time nothing is known of: open leases are in doubt; open batches are closed, or, with
// `jobs_since`, the serials that so many jobs can have been given are given up.
[[nodiscard]] base::Result<SetAside> set_aside(db::Tx& tx, const journal::Stamp& stamp,
                                               std::optional<std::int64_t> jobs_since,
                                               const std::string& by_user);

}  // namespace lineside::care
