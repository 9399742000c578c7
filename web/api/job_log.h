// SPDX-License-Identifier: Apache-2.0
// The joined log of a job: its step logs in order of their start, seen as one run of bytes that
// only grows. File names are found in the job's own log folder and matched with the step rows of
// the database; no request ever becomes a path. Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"
#include "web/server/http.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lineside::api {

struct LogSegment {
    std::int64_t index = 0;
    std::int64_t attempt = 1;
    std::string name;
    std::filesystem::path file;  // empty: this step has written nothing
    std::uint64_t from = 0;      // position in the joined log
    std::uint64_t size = 0;      // now
};
struct JoinedLog {
    std::vector<LogSegment> segments;
    std::uint64_t size = 0;
    bool ended = false;     // the job has an outcome: the log grows no more
    std::string file_name;  // for a download: "RC26-04127-attempt1.log"
};

// Errors: request.unknown (no such job), db.failed.
[[nodiscard]] base::Result<JoinedLog> joined_log(db::Tx& tx, std::int64_t job,
                                                 const std::string& folder);
// At most `max` bytes from position `from`.
[[nodiscard]] base::Result<std::string> read_log(const JoinedLog& log, std::uint64_t from,
                                                 std::uint64_t max);
// The whole log, a line naming each step before its part, as a file of known length.
[[nodiscard]] std::shared_ptr<web::BodySource> log_source(JoinedLog log);

}  // namespace lineside::api
