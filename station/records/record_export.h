// SPDX-License-Identifier: Apache-2.0
// The records as files: rows of the view record_v1, oldest first, every column. JSON equals the
// view exactly. CSV likewise (RFC 4180, UTF-8, header, CRLF), but a text cell that a spreadsheet
// would take for a formula (first character = + - @ TAB CR) carries a leading '. ZIP holds
// records.csv, records.json, logs/<serial or unit-N>/<attempt>.log and index.csv with the SHA-256
// of each log. The web and the command line call this; memory stays flat whatever the number of
// rows. Errors: db.failed, request.refused (the receiver is gone).   Thread: a db thread
// (read-only).
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"
#include "station/records/record_filter.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::records {

// Takes pieces of at most 64 KiB; false = the receiver is gone.
using Sink = std::function<bool(std::string)>;
// Folder of one job's step logs.
using LogFolder = std::function<std::filesystem::path(std::int64_t job)>;

enum class Format { csv, json, zip };
[[nodiscard]] std::optional<Format> format_from_text(std::string_view text);
[[nodiscard]] std::string_view media_type(Format format);      // "text/csv; charset=utf-8"
[[nodiscard]] std::string_view file_extension(Format format);  // "csv"

[[nodiscard]] base::Status export_json(db::Tx& tx, const RecordFilter& filter, const Sink& sink);
[[nodiscard]] base::Status export_csv(db::Tx& tx, const RecordFilter& filter, const Sink& sink);
[[nodiscard]] base::Status export_zip(db::Tx& tx, const RecordFilter& filter, const LogFolder& logs,
                                      const Sink& sink);
[[nodiscard]] base::Status export_records(db::Tx& tx, Format format, const RecordFilter& filter,
                                          const LogFolder& logs, const Sink& sink);

// One CSV cell of a text: quoted where needed, a formula made harmless.
[[nodiscard]] std::string csv_cell(std::string_view text);

}  // namespace lineside::records
