// SPDX-License-Identifier: Apache-2.0
// One page of the record table. Rows are those of the view record_v1, every column of it, with what
// the dashboard shows beside them.
#include "station/base/codes.h"
#include "station/base/text.h"
#include "web/api/api.h"
#include "web/api/words.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

// Beside the view's own columns.
constexpr std::string_view kMore =
    "(SELECT p.name FROM batch b JOIN pool p ON p.id = b.pool_id WHERE b.name = r.batch) AS pool,"
    " (SELECT i.tool_version FROM image i WHERE i.key = r.image) AS image_version,"
    " (SELECT x.heard FROM proof x WHERE x.job_id = r.job AND x.kind = 'image' ORDER BY x.id DESC "
    "LIMIT 1) AS proof_image,"
    " (SELECT x.heard FROM proof x WHERE x.job_id = r.job AND x.kind = 'serial' ORDER BY x.id DESC "
    "LIMIT 1) AS proof_serial";

Json value_json(const db::Value& value) {
    return std::visit(
        [](const auto& v) -> Json {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, db::Blob>) {
                return Json();  // sealed: never shown
            } else {
                return Json(v);
            }
        },
        value);
}

Json record_json(const Tx::Row& row) {
    Json record = Json::object();
    for (int i = 0; i < row.columns(); ++i) {
        record[std::string(row.name(i))] = value_json(row.value(i));
    }
    const auto text = [&](std::string_view name) {
        return base::field_or<std::string>(record, name, "").value_or("");
    };
    const std::string code = text("code");
    record["display_code"] = record["reason"] = nullptr;
    if (!code.empty()) {
        const auto& entry = base::code_entry(code);
        record["display_code"] = entry.display;
        record["reason"] = entry.sentence;
    }
    record["order_name"] = record["order"];
    record["image_id"] = record["image"];
    record["image_name"] = record["image"].is_null()
                               ? Json()
                               : Json(image_name(text("profile"), text("image_version")));
    record.erase("image_version");
    record["lease_state"] = record["lease"];
    record["actor"] = actor_word(text("operator"));
    const auto started = base::field_or<std::int64_t>(record, "started_ms", 0).value_or(0);
    const auto ended = base::field_or<std::int64_t>(record, "ended_ms", 0).value_or(0);
    record["duration_s"] = static_cast<double>(std::max<std::int64_t>(0, ended - started)) / 1000.0;
    return record;
}

// What can be told from the attempts alone is counted without the view's joins.
bool is_of_attempts(const records::RecordFilter& filter) {
    return !filter.serial_from && !filter.serial_to && !filter.batch && !filter.order;
}
constexpr std::string_view kAttempts =
    "(SELECT outcome AS result, unit_id AS unit, ended_ms, slot, code, actor AS operator, "
    "image_key "
    "AS image FROM job WHERE outcome IS NOT NULL)";

Result<Json> page(Tx& tx, const records::Where& where, bool of_attempts, std::int64_t limit,
                  std::optional<std::int64_t> cursor) {
    const records::Where below = cursor ? records::narrowed(where, "job < ?", {*cursor}) : where;
    Json rows = Json::array();
    Json next;
    auto read = tx.each(fmt::format("SELECT r.*, {} FROM record_v1 r{} ORDER BY job DESC LIMIT {}",
                                    kMore, below.sql, limit + 1),
                        below.args, [&](const Tx::Row& row) {
                            if (static_cast<std::int64_t>(rows.size()) == limit) {
                                next = fmt::format("{}", rows.back()["job"].get<std::int64_t>());
                                return false;
                            }
                            rows.push_back(record_json(row));
                            return true;
                        });
    if (!read) {
        return tl::unexpected(read.error());
    }
    Json counts = Json::object();
    std::int64_t total = 0;
    std::int64_t units = 0;
    const auto from = std::string(of_attempts ? kAttempts : "record_v1") + where.sql;
    auto counted = tx.each(
        "SELECT count(DISTINCT unit), sum(result = 'PASS'), sum(result = 'FAIL'),"
        " sum(result = 'ERROR'), sum(result = 'ABORTED') FROM " +
            from,
        where.args, [&](const Tx::Row& row) {
            units = row.integer(0);
            int column = 1;
            for (const char* outcome : {"PASS", "FAIL", "ERROR", "ABORTED"}) {
                const std::int64_t count = row.integer(column++);
                counts[outcome] = count;
                total += count;
            }
            return false;
        });
    if (!counted) {
        return tl::unexpected(counted.error());
    }
    return Json{{"rows", std::move(rows)},
                {"next_cursor", std::move(next)},
                {"total", total},
                {"units", units},
                {"counts", std::move(counts)}};
}

}  // namespace

Result<records::RecordFilter> filter_of(const Api& api, const Request& request) {
    std::map<std::string, std::string> fields;
    for (const auto& [name, value] : request.query) {
        fields[name] = value;
    }
    auto filter = records::parse_filter(fields, api.facade.shifts());
    if (!filter) {
        return base::fail("http.parameter", "Parameter " + filter.error().message);
    }
    return filter;
}

void get_records(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto filter = filter_of(api, request);
    if (!filter) {
        reply->problem(filter.error());
        return;
    }
    const auto limit = base::to_int(request.query_value("limit").value_or("100"));
    if (!limit || *limit < 1 || *limit > 500) {
        reply->problem(base::make_error("http.parameter",
                                        "Parameter limit must be a whole number from 1 to 500"));
        return;
    }
    std::optional<std::int64_t> cursor;
    if (const auto text = request.query_value("cursor")) {
        cursor = base::to_int(*text);
        if (!cursor) {
            reply->problem(
                base::make_error("http.parameter", "Parameter cursor is not one of ours"));
            return;
        }
    }
    api.read(reply, [filter = *filter, limit = *limit, cursor](Tx& tx) -> Result<Json> {
        const auto few = records::asks_for_few_serials(tx, filter);
        return few ? page(tx, records::where(filter, *few), is_of_attempts(filter), limit, cursor)
                   : tl::unexpected<base::Error>(few.error());
    });
}

}  // namespace lineside::api
