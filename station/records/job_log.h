// SPDX-License-Identifier: Apache-2.0
// The joined log of a job: its step logs in order of their start, seen as one run of bytes that
// only grows. File names are found in the job's own log folder and matched with the step rows of
// the database; no request ever becomes a path. Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"

#include <filesystem>
#include <string>
#include <vector>

namespace lineside::records {

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
    std::string note;       // instead of a log that went by policy; counts in `size`
    std::string file_name;  // for a download: "RC26-04127-attempt1.log"
};

// Errors: request.unknown (no such job), db.failed.
[[nodiscard]] base::Result<JoinedLog> joined_log(db::Tx& tx, std::int64_t job,
                                                 const std::filesystem::path& folder);
// At most `max` bytes from position `from`.
[[nodiscard]] base::Result<std::string> read_log(const JoinedLog& log, std::uint64_t from,
                                                 std::uint64_t max);
// The whole log as a file of the length it has now: a line naming each step before its part.
class LogReader {
  public:
    explicit LogReader(JoinedLog log);
    [[nodiscard]] std::uint64_t length() const { return length_; }
    // The next piece, at most 64 KiB and a heading; empty: that was all.   Errors: request.unknown
    // (a part became shorter meanwhile).
    [[nodiscard]] base::Result<std::string> next();

  private:
    JoinedLog log_;
    std::uint64_t length_ = 0;
    std::size_t segment_ = 0;
    std::uint64_t at_ = 0;
};

}  // namespace lineside::records
