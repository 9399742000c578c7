// SPDX-License-Identifier: Apache-2.0
// Copies of a database that others write to meanwhile: by SQLite's backup API over a connection of
// its own, from one snapshot, a few pages at a time, so that no writer waits for it. Under its name
// a copy is whole, on disk and checked; beside it lies what it is (`<file>.json`).
// Errors: disk.full, db.failed (the copy is not sound), request.refused (told to stop). A copy that
// fails leaves nothing behind.   Thread: any that may wait; not the writer's.
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

struct sqlite3;

namespace lineside::db {

struct BackupFacts {
    std::int64_t seq = 0;  // last row of the journal in it; 0 where the schema knew no chain
    std::string head;      // its hash, hex
    std::string sha256;    // of the file, hex
    std::int64_t made_ms = 0;
    int schema = 0;
};

// How the file is called: station-20261120T104124Z-4711.db; names sort by time.
[[nodiscard]] std::string backup_name(std::int64_t made_ms, std::int64_t seq);
// Where the facts of a backup are written.
[[nodiscard]] std::filesystem::path facts_file(const std::filesystem::path& backup);

struct BackupMade {
    std::filesystem::path file;
    BackupFacts facts;
};
// Copies `database` into `folder`, which is made when it is not there. `go_on` is asked between
// steps.   Durable: file, facts and folder, when it returns without error.
[[nodiscard]] base::Result<BackupMade> back_up(const std::filesystem::path& database,
                                               const std::filesystem::path& folder,
                                               std::int64_t made_ms,
                                               const std::function<bool()>& go_on = {});
// The same over a connection that is open already and writes nothing meanwhile: before a
// migration.
[[nodiscard]] base::Result<BackupMade> back_up_from(sqlite3* source,
                                                    const std::filesystem::path& folder,
                                                    std::int64_t made_ms,
                                                    const std::function<bool()>& go_on = {});
// Copies pages from `source` into the new file `into` and syncs it; nothing is checked.
[[nodiscard]] base::Status copy_database(sqlite3* source, const std::filesystem::path& into,
                                         const std::function<bool()>& go_on = {});

// What the facts file beside a backup says; nothing when there is none.   Errors: config.invalid.
[[nodiscard]] base::Result<std::optional<BackupFacts>> read_facts(
    const std::filesystem::path& backup);
// SHA-256 of a file, hex.   Errors: config.missing, db.failed.
[[nodiscard]] base::Result<std::string> sha256_of_file(const std::filesystem::path& file);

// quick_check: pages, cells, indexes. `within_ms` 0 = as long as it takes; when the time is over
// the answer is "sound as far as was looked".   Errors: db.failed with what SQLite found first.
[[nodiscard]] base::Status quick_check(sqlite3* connection, std::int64_t within_ms = 0);

}  // namespace lineside::db
