// SPDX-License-Identifier: Apache-2.0
// The exports of station/records for a client that takes its time, made slice by slice: each next()
// does a few milliseconds of work on the transaction it is given and returns what it made, so no
// export ever holds the database or much memory. Rows come oldest first; the newest job is fixed by
// the first slice, so an export ends. Thread: one slice at a time, on a database read thread.
#pragma once

#include "station/db/query.h"
#include "station/records/record_filter.h"

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

// The bytes of records::export_csv.
[[nodiscard]] std::shared_ptr<RecordWriter> csv_writer(const records::RecordFilter& filter);
// The bytes of records::export_json.
[[nodiscard]] std::shared_ptr<RecordWriter> json_writer(const records::RecordFilter& filter);
// The layout of records::export_zip.
using LogFolder = std::function<std::string(std::int64_t job)>;
[[nodiscard]] std::shared_ptr<RecordWriter> zip_writer(const records::RecordFilter& filter,
                                                       LogFolder log_folder);

// `where` and one more condition; each '?' in it stands for the next of `values`.
[[nodiscard]] records::Where narrowed(records::Where where, std::string_view condition,
                                      const std::vector<db::Value>& values);

}  // namespace lineside::api
