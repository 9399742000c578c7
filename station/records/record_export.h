// SPDX-License-Identifier: Apache-2.0
// The records as files: rows of the view record_v1, oldest first, every column. JSON equals the
// view exactly. CSV likewise (RFC 4180, UTF-8, header, CRLF), but a text cell that a spreadsheet
// would take for a formula (first character = + - @ TAB CR) carries a leading '. ZIP holds
// anchor.json (the signed head of the journal), records.csv, records.json, logs/<serial or
// unit-N>/<attempt>.log and index.csv with the SHA-256 of each log. An export is made slice by
// slice for a receiver that takes its time: each next() does a few milliseconds of work on the
// transaction it is given and returns what it made, so no export ever holds the database, and
// memory stays flat whatever the number of rows (a ZIP spools its table of contents, some hundred
// bytes a log, to a file without a name). The rows are those the view had at the first slice.
// Errors: db.failed, disk.full (the spool), station.bug; what was made before is no whole file of
// its format.   Thread: one slice at a time, on a db thread (read-only).
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"
#include "station/records/record_filter.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::records {

// Folder of one job's step logs.
using LogFolder = std::function<std::filesystem::path(std::int64_t job)>;

enum class Format { csv, json, zip };
[[nodiscard]] std::optional<Format> format_from_text(std::string_view text);
[[nodiscard]] std::string_view media_type(Format format);      // "text/csv; charset=utf-8"
[[nodiscard]] std::string_view file_extension(Format format);  // "csv"

class Export {
  public:
    virtual ~Export() = default;
    // The next piece; empty: that was all.
    [[nodiscard]] virtual base::Result<std::string> next(db::Tx& tx) = 0;
};
// What only a ZIP asks for.
struct ZipParts {
    LogFolder logs;
    std::filesystem::path spool;  // a folder with room; nothing is seen there
    std::string anchor = {};      // if not empty, the file anchor.json
};
[[nodiscard]] std::unique_ptr<Export> make_export(Format format, const RecordFilter& filter,
                                                  ZipParts parts);

// One CSV cell of a text: quoted where needed, a formula made harmless.
[[nodiscard]] std::string csv_cell(std::string_view text);

}  // namespace lineside::records
