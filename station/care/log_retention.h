// SPDX-License-Identifier: Apache-2.0
// Logs of jobs go by policy, oldest first; records never do. That a job's log went is told in the
// journal (job.log_retired) before it goes, so a page can say so.
// Errors: db.failed, disk.full.   Thread: one that may wait.
#pragma once

#include "station/care/data_folder.h"
#include "station/db/store.h"
#include "station/journal/journal.h"

#include <cstdint>
#include <functional>

namespace lineside::care {

struct LogPolicy {
    std::int64_t keep_days = 3650;
    std::uint64_t max_bytes = 0;  // all logs together; 0 = no bound
};

// How many jobs' logs went. A job that has not ended keeps its log. `go_on` is asked between jobs.
[[nodiscard]] base::Result<std::int64_t> retire_logs(db::Store& store, const DataFolder& data,
                                                     const LogPolicy& policy,
                                                     const std::function<journal::Stamp()>& stamp,
                                                     const std::function<bool()>& go_on = {});

}  // namespace lineside::care
