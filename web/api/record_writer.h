// SPDX-License-Identifier: Apache-2.0
// Records as CSV, JSON or ZIP, made slice by slice: each next() does a few milliseconds of work on the
// transaction it is given and returns what it made, so no export ever holds the database or much memory.
// Rows come oldest first; the newest job is fixed by the first slice, so an export ends.
// Thread: one slice at a time, on a database read thread.
#pragma once

#include "station/db/query.h"
#include "web/api/record_filter.h"

#include <functional>
#include <memory>
#include <string>

namespace lineside::api {

class RecordWriter {
  public:
    virtual ~RecordWriter() = default;
    // The next piece; empty: that was all.
    [[nodiscard]] virtual base::Result<std::string> next(db::Tx& tx) = 0;
};

// RFC 4180 with a header line; cells that begin with = + - @ TAB or CR carry a leading '.
[[nodiscard]] std::shared_ptr<RecordWriter> csv_writer(RecordFilter filter);
// An array equal to the view record_v1, members in the order of its columns.
[[nodiscard]] std::shared_ptr<RecordWriter> json_writer(RecordFilter filter);
// records.csv, records.json, logs/<serial or unit>/<attempt>.log, index.csv with the SHA-256 of each log.
using LogFolder = std::function<std::string(std::int64_t job)>;
[[nodiscard]] std::shared_ptr<RecordWriter> zip_writer(RecordFilter filter, LogFolder log_folder);

[[nodiscard]] std::string csv_cell(std::string_view text);

}  // namespace lineside::api
