// SPDX-License-Identifier: Apache-2.0
#include "station/records/record_export.h"

#include "station/base/json.h"
#include "station/base/text.h"
#include "station/records/piece_writer.h"

#include <fmt/format.h>

namespace lineside::records {
namespace {

using base::Status;

const std::string kSelect = "SELECT * FROM record_v1";
const std::string kOrder = " ORDER BY job";

struct JsonCell {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return base::dump_json(v); }
    std::string operator()(const std::string& v) const { return base::dump_json(v); }
    std::string operator()(const db::Blob& v) const {
        return base::dump_json(
            base::to_hex({reinterpret_cast<const std::uint8_t*>(v.bytes.data()), v.bytes.size()}));
    }
};

struct CsvCell {
    std::string operator()(std::nullptr_t) const { return {}; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return base::dump_json(v); }
    std::string operator()(const std::string& v) const { return csv_cell(v); }
    std::string operator()(const db::Blob& v) const {
        return base::to_hex(
            {reinterpret_cast<const std::uint8_t*>(v.bytes.data()), v.bytes.size()});
    }
};

Status gone() {
    return base::fail("request.refused", "The receiver of the export is gone");
}

std::string csv_line(const db::Tx::Row& row, bool names) {
    std::string line;
    for (int i = 0; i < row.columns(); ++i) {
        line += i == 0 ? "" : ",";
        line += names ? csv_cell(row.name(i)) : std::visit(CsvCell{}, row.value(i));
    }
    return line + "\r\n";
}

// The header must be there also when no row fits; LEFT JOIN gives one row of NULLs then.
Status csv_header(db::Tx& tx, PieceWriter& out) {
    return tx.each(
        "SELECT r.* FROM (SELECT 1) LEFT JOIN (SELECT * FROM record_v1 WHERE job IS NULL) r", {},
        [&](const db::Tx::Row& row) {
            out.write(csv_line(row, true));
            return false;
        });
}

}  // namespace

std::optional<Format> format_from_text(std::string_view text) {
    return text == "csv"    ? std::optional(Format::csv)
           : text == "json" ? std::optional(Format::json)
           : text == "zip"  ? std::optional(Format::zip)
                            : std::nullopt;
}

std::string_view media_type(Format format) {
    switch (format) {
        case Format::csv:
            return "text/csv; charset=utf-8";
        case Format::json:
            return "application/json";
        case Format::zip:
            return "application/zip";
    }
    return "application/octet-stream";
}

std::string_view file_extension(Format format) {
    switch (format) {
        case Format::csv:
            return "csv";
        case Format::json:
            return "json";
        case Format::zip:
            return "zip";
    }
    return "bin";
}

std::string csv_cell(std::string_view text) {
    const bool formula =
        !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    if (!formula && text.find_first_of(",\"\r\n") == std::string_view::npos) {
        return std::string(text);
    }
    std::string cell = "\"";
    if (formula) {
        cell += '\'';
    }
    for (const char c : text) {
        cell += c;
        if (c == '"') {
            cell += '"';
        }
    }
    return cell + '"';
}

Status export_json(db::Tx& tx, const RecordFilter& filter, const Sink& sink) {
    PieceWriter out(sink);
    const Where wanted = where(filter);
    bool first = true;
    out.write("[");
    auto done = tx.each(kSelect + wanted.sql + kOrder, wanted.args, [&](const db::Tx::Row& row) {
        std::string object = first ? "\n{" : ",\n{";
        first = false;
        for (int i = 0; i < row.columns(); ++i) {
            object += fmt::format("{}\"{}\":", i == 0 ? "" : ",", row.name(i));
            object += std::visit(JsonCell{}, row.value(i));
        }
        return out.write(object + "}");
    });
    out.write(first ? "]\n" : "\n]\n");
    return !done ? done : out.finish() ? Status() : gone();
}

Status export_csv(db::Tx& tx, const RecordFilter& filter, const Sink& sink) {
    PieceWriter out(sink);
    const Where wanted = where(filter);
    auto done = csv_header(tx, out);
    if (done) {
        done = tx.each(kSelect + wanted.sql + kOrder, wanted.args,
                       [&](const db::Tx::Row& row) { return out.write(csv_line(row, false)); });
    }
    return !done ? done : out.finish() ? Status() : gone();
}

Status export_records(db::Tx& tx, Format format, const RecordFilter& filter, const LogFolder& logs,
                      const Sink& sink) {
    switch (format) {
        case Format::csv:
            return export_csv(tx, filter, sink);
        case Format::json:
            return export_json(tx, filter, sink);
        case Format::zip:
            return export_zip(tx, filter, logs, sink);
    }
    return base::fail("station.bug");
}

}  // namespace lineside::records
