// SPDX-License-Identifier: Apache-2.0
#include "station/records/record_export.h"

#include "station/base/json.h"
#include "station/records/row_walk.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace lineside::records {
namespace {

using base::Json;
using db::Tx;

struct FormatWords {
    Format format;
    std::string_view name;  // also the file's extension
    std::string_view media;
};
constexpr std::array kFormats{
    FormatWords{Format::csv, "csv", "text/csv; charset=utf-8"},
    FormatWords{Format::json, "json", "application/json"},
    FormatWords{Format::zip, "zip", "application/zip"},
};

const FormatWords& words(Format format) {
    for (const FormatWords& each : kFormats) {
        if (each.format == format) {
            return each;
        }
    }
    return kFormats.front();
}

// Names of the view's columns, also when there is no row.
base::Result<std::string> header(Tx& tx) {
    auto rows = tx.all<std::string>("SELECT name FROM pragma_table_info('record_v1') ORDER BY cid");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::string line;
    for (const auto& [name] : *rows) {
        line += (line.empty() ? "" : ",") + csv_cell(name);
    }
    return line + "\r\n";
}

// What the view seals is shown nowhere.
struct JsonCell {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(const db::Blob&) const { return "null"; }
    std::string operator()(double v) const { return base::dump_json(Json(v)); }
    std::string operator()(const std::string& v) const { return base::dump_json(Json(v)); }
};
// Numbers are numbers: only text can be a formula.
struct CsvCell {
    std::string operator()(std::nullptr_t) const { return {}; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(const db::Blob&) const { return {}; }
    std::string operator()(double v) const { return base::dump_json(Json(v)); }
    std::string operator()(const std::string& v) const { return csv_cell(v); }
};

class Table : public Export {
  public:
    Table(const RecordFilter& filter, std::shared_ptr<RowSet> rows)
        : walk_(filter, std::move(rows)) {}

    base::Result<std::string> next(Tx& tx) final {
        std::string out;
        if (!more_) {
            return out;
        }
        if (first_) {
            auto text = begin(tx);
            if (!text) {
                return text;
            }
            out = std::move(*text);
        }
        auto more = walk_.slice(
            tx, "*", [&](const Tx::Row& row) { add(out, row, std::exchange(first_, false)); });
        if (!more) {
            return tl::unexpected<base::Error>(more.error());
        }
        more_ = *more;
        if (!more_) {
            out += end(first_);
        }
        return out;
    }

  private:
    virtual base::Result<std::string> begin(Tx& tx) = 0;
    virtual void add(std::string& out, const Tx::Row& row, bool first) = 0;
    virtual std::string_view end(bool none) = 0;

    RowWalk walk_;
    bool first_ = true;
    bool more_ = true;
};

class Csv final : public Table {
  public:
    using Table::Table;

  private:
    base::Result<std::string> begin(Tx& tx) override { return header(tx); }
    void add(std::string& out, const Tx::Row& row, bool /*first*/) override {
        for (int i = 0; i < row.columns(); ++i) {
            out += i == 0 ? "" : ",";
            out += std::visit(CsvCell{}, row.value(i));
        }
        out += "\r\n";
    }
    std::string_view end(bool /*none*/) override { return ""; }
};

class JsonArray final : public Table {
  public:
    using Table::Table;

  private:
    base::Result<std::string> begin(Tx& /*tx*/) override { return std::string("["); }
    void add(std::string& out, const Tx::Row& row, bool first) override {
        for (int i = first ? 0 : row.columns(); i < row.columns(); ++i) {
            keys_.push_back((i == 0 ? "{" : ",") + base::dump_json(Json(row.name(i))) + ":");
        }
        out += first ? "\n" : ",\n";
        for (int i = 0; i < row.columns(); ++i) {
            out += keys_[static_cast<std::size_t>(i)];
            out += std::visit(JsonCell{}, row.value(i));
        }
        out += "}";
    }
    std::string_view end(bool none) override { return none ? "]\n" : "\n]\n"; }

    std::vector<std::string> keys_;  // as they stand in every object
};

}  // namespace

std::optional<Format> format_from_text(std::string_view text) {
    for (const FormatWords& each : kFormats) {
        if (each.name == text) {
            return each.format;
        }
    }
    return std::nullopt;
}

std::string_view media_type(Format format) {
    return words(format).media;
}

std::string_view file_extension(Format format) {
    return words(format).name;
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

std::unique_ptr<Export> make_csv(const RecordFilter& filter, std::shared_ptr<RowSet> rows) {
    return std::make_unique<Csv>(filter, std::move(rows));
}

std::unique_ptr<Export> make_json(const RecordFilter& filter, std::shared_ptr<RowSet> rows) {
    return std::make_unique<JsonArray>(filter, std::move(rows));
}

std::unique_ptr<Export> make_export(Format format, const RecordFilter& filter, ZipParts parts) {
    switch (format) {
        case Format::csv:
            return make_csv(filter, std::make_shared<RowSet>());
        case Format::json:
            return make_json(filter, std::make_shared<RowSet>());
        case Format::zip:
            break;
    }
    return make_zip(filter, std::move(parts.logs), std::move(parts.anchor), parts.spool);
}

}  // namespace lineside::records
