// SPDX-License-Identifier: Apache-2.0
// What lies in a station's data folder, and the marks that say what must be there.
//   station.initialised   made at the first start: from then on a missing database is damage
//   station.running       there while the service has the database open: how it ended is unknown
//                         until the mark is gone
//   station.restoring     a restore was killed while it changed files (restore.h)
// Errors: disk.full, station.bug.   Thread: any; blocks on disk.   Durable: yes.
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <filesystem>

namespace lineside::care {

struct DataFolder {
    explicit DataFolder(std::filesystem::path where) : path(std::move(where)) {}
    std::filesystem::path path;
    [[nodiscard]] std::filesystem::path database() const { return path / "station.db"; }
    [[nodiscard]] std::filesystem::path backups() const { return path / "backups"; }
    [[nodiscard]] std::filesystem::path logs() const { return path / "logs"; }
    [[nodiscard]] std::filesystem::path initialised() const { return path / "station.initialised"; }
    [[nodiscard]] std::filesystem::path running() const { return path / "station.running"; }
    [[nodiscard]] std::filesystem::path restoring() const { return path / "station.restoring"; }
};

// Once; a mark that is there stays.
[[nodiscard]] base::Status mark_initialised(const DataFolder& data, std::int64_t at_ms);

// Holds the mark of a running service; leave() takes it away once the database is closed. Make it
// after the database was opened: its log is there by then.
class RunningMark {
  public:
    [[nodiscard]] static base::Result<RunningMark> set(const DataFolder& data, std::int64_t at_ms);
    [[nodiscard]] base::Status leave();

  private:
    explicit RunningMark(std::filesystem::path file) : file_(std::move(file)) {}
    std::filesystem::path file_;
};

// The highest job a log folder is there for, 0 = none. A job's row is committed before its folder
// is made, so a higher number than any row has means that rows are missing.
[[nodiscard]] std::int64_t newest_log(const DataFolder& data);
[[nodiscard]] bool is_there(const std::filesystem::path& file);
// Removes a file and syncs its folder; one that is not there is removed.
[[nodiscard]] base::Status remove_durably(const std::filesystem::path& file);
// Errors: db.failed.
[[nodiscard]] base::Status sync_folder(const std::filesystem::path& folder);

}  // namespace lineside::care
