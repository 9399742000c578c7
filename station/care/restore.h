// SPDX-License-Identifier: Apache-2.0
// Putting a backup in the place of a station's database, with the service stopped, so that no
// serial is issued twice: what the lost time may have issued is never free again.
//   * The database that is there is read, if it can be: its leases, units and batches that the
//     backup does not know are taken over, each lease as in doubt.
//   * Is it whole (its pages, rules, log, and the way it ended)? Then nothing is missing. If not,
//     every serial that is free in the backup may be on a unit: all open batches are closed, or,
//     where a person says at most how many units were begun since, so many serials of each.
// The new file is made whole beside the old one first; then a plan (station.restoring) is written
// and followed. Killed in between, the service does not start, and the next restore ends the plan.
// The old database stays as station.db.before-restore-<UTC>, logs of jobs that the backup does not
// know as logs.before-restore-<UTC>.
// Crash points: restore_made, restore_planned, restore_moved, restore_named.
// Errors: request.refused (the service runs, a statement that cannot be), config.missing,
// db.failed (the backup is no good, and why), disk.full.   Thread: the command's.   Durable: yes.
#pragma once

#include "station/base/json.h"
#include "station/care/data_folder.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lineside::care {

struct RestoreRequest {
    std::filesystem::path backup;
    DataFolder data;
    // A person's word: at most so many units were begun since the backup (or since what could be
    // read of the old database). None: nobody knows.
    std::optional<std::int64_t> units_since;
    std::string by_user;
    std::int64_t at_ms = 0;
};

// {"restored","seq","made_ms","old_database","why","kept_as","in_doubt","batches_taken_over",
//  "batches_closed","set_aside","logs_kept_as"}; or {"finished":true} where an earlier restore was
// ended instead.
[[nodiscard]] base::Result<base::Json> restore(const RestoreRequest& request);

}  // namespace lineside::care
