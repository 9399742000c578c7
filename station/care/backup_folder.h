// SPDX-License-Identifier: Apache-2.0
// The folder of backups: making one by the station's policy, which to keep, which is the last good
// one. A backup never fills the disk: it is refused while less than twice the database is free.
// Errors: disk.full, db.failed, request.refused (told to stop).   Thread: one that may wait.
#pragma once

#include "station/care/data_folder.h"
#include "station/db/backup.h"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace lineside::care {

struct BackupPolicy {
    std::chrono::minutes every{60};
    int keep = 48;                  // so many of the newest; at least 1
    std::filesystem::path copy_to;  // a second folder, on another disk; "" = none
};

struct Backup {
    std::filesystem::path file;
    db::BackupFacts facts;
};

// Newest first; files without readable facts are none.
[[nodiscard]] std::vector<Backup> backups_in(const std::filesystem::path& folder);
// The newest whose bytes are those it was made with, of a schema this program knows.
[[nodiscard]] std::optional<Backup> last_good_backup(const DataFolder& data);

// What became of the second folder is told apart: the backup itself is good without it.
struct Made {
    Backup backup;
    base::Status copied;
};
// Makes a backup of the running station, copies it, and lets old ones go.
[[nodiscard]] base::Result<Made> make_backup(const DataFolder& data, const BackupPolicy& policy,
                                             std::int64_t made_ms,
                                             const std::function<bool()>& go_on = {});
// Removes all but the newest `keep`, and facts without their backup.
void let_old_ones_go(const std::filesystem::path& folder, int keep);
// Errors: disk.full, naming what is free and what is needed.
[[nodiscard]] base::Status refuse_without_room(const std::filesystem::path& database,
                                               const std::filesystem::path& folder);
// Copies a backup with its facts, checked, named last.   Durable: yes.
[[nodiscard]] base::Status copy_backup(const Backup& backup, const std::filesystem::path& folder);

}  // namespace lineside::care
