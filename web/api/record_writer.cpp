// SPDX-License-Identifier: Apache-2.0
#include "web/api/record_writer.h"

#include "station/base/json.h"
#include "station/records/record_export.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

using base::Json;
using db::Tx;

constexpr std::int64_t kRows = 500;

// Walks the view in slices of kRows rows.
class RowWalk {
  public:
    explicit RowWalk(const records::RecordFilter& filter) : where_(records::where(filter)) {}

    // Calls `visit` for each row of the next slice; false at the end.
    base::Result<bool> slice(Tx& tx, const std::function<void(const Tx::Row&)>& visit) {
        if (!last_) {
            auto newest = tx.one<std::int64_t>("SELECT coalesce(max(id), 0) FROM job");
            if (!newest) {
                return tl::unexpected(newest.error());
            }
            last_ = std::get<0>(**newest);
        }
        const auto next = narrowed(where_, "job > ? AND job <= ?", {done_, *last_});
        std::int64_t count = 0;
        auto read =
            tx.each(fmt::format("SELECT * FROM record_v1{} ORDER BY job LIMIT {}", next.sql, kRows),
                    next.args, [&](const Tx::Row& row) {
                        done_ = row.integer(0);
                        ++count;
                        visit(row);
                        return true;
                    });
        if (!read) {
            return tl::unexpected(read.error());
        }
        return count == kRows;
    }

  private:
    records::Where where_;
    std::int64_t done_ = 0;
    std::optional<std::int64_t> last_;
};

// Names of the view's columns, also when there is no row.
base::Result<std::vector<std::string>> columns(Tx& tx) {
    auto rows = tx.all<std::string>("SELECT name FROM pragma_table_info('record_v1') ORDER BY cid");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::vector<std::string> names;
    for (auto& [name] : *rows) {
        names.push_back(std::move(name));
    }
    return names;
}

std::string value_text(const db::Value& value) {
    return std::visit(
        [](const auto& v) -> std::string {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, std::int64_t> || std::is_same_v<V, double>) {
                return fmt::format("{}", v);
            } else if constexpr (std::is_same_v<V, std::string>) {
                return v;
            } else {
                return {};
            }
        },
        value);
}

std::string value_json(const db::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        return base::dump_json(Json(*text));
    }
    const auto text = value_text(value);
    return text.empty() ? "null" : text;
}

class CsvWriter final : public RecordWriter {
  public:
    explicit CsvWriter(const records::RecordFilter& filter) : walk_(filter) {}
    base::Result<std::string> next(Tx& tx) override {
        std::string out;
        if (!std::exchange(begun_, true)) {
            auto names = columns(tx);
            if (!names) {
                return tl::unexpected(names.error());
            }
            out = fmt::format("{}\r\n", fmt::join(*names, ","));
        }
        if (!more_) {
            return out;
        }
        auto more = walk_.slice(tx, [&out](const Tx::Row& row) {
            for (int i = 0; i < row.columns(); ++i) {
                const db::Value value = row.value(i);
                // Numbers are numbers: only text can be a formula.
                const bool is_text = std::holds_alternative<std::string>(value);
                out += i == 0 ? "" : ",";
                out +=
                    is_text ? records::csv_cell(std::get<std::string>(value)) : value_text(value);
            }
            out += "\r\n";
        });
        if (!more) {
            return tl::unexpected(more.error());
        }
        more_ = *more;
        return out;
    }

  private:
    RowWalk walk_;
    bool begun_ = false;
    bool more_ = true;
};

class JsonWriter final : public RecordWriter {
  public:
    explicit JsonWriter(const records::RecordFilter& filter) : walk_(filter) {}
    base::Result<std::string> next(Tx& tx) override {
        if (!more_) {
            return std::string();
        }
        std::string out;
        auto more = walk_.slice(tx, [&](const Tx::Row& row) {
            out += std::exchange(begun_, true) ? ",\n{" : "[\n{";
            for (int i = 0; i < row.columns(); ++i) {
                out += fmt::format("{}{}:{}", i == 0 ? "" : ",",
                                   base::dump_json(Json(std::string(row.name(i)))),
                                   value_json(row.value(i)));
            }
            out += "}";
        });
        if (!more) {
            return tl::unexpected(more.error());
        }
        more_ = *more;
        if (!more_) {
            out += begun_ ? "\n]\n" : "[]\n";
        }
        return out;
    }

  private:
    RowWalk walk_;
    bool begun_ = false;
    bool more_ = true;
};

}  // namespace

records::Where narrowed(records::Where where, std::string_view condition,
                        const std::vector<db::Value>& values) {
    where.sql += where.sql.empty() ? " WHERE " : " AND ";
    auto next = values.begin();
    for (const char c : condition) {
        if (c == '?' && next != values.end()) {
            where.args.push_back(*next++);
            where.sql += fmt::format("?{}", where.args.size());
        } else {
            where.sql += c;
        }
    }
    return where;
}

std::shared_ptr<RecordWriter> csv_writer(const records::RecordFilter& filter) {
    return std::make_shared<CsvWriter>(filter);
}

std::shared_ptr<RecordWriter> json_writer(const records::RecordFilter& filter) {
    return std::make_shared<JsonWriter>(filter);
}

}  // namespace lineside::api
