// SPDX-License-Identifier: Apache-2.0
// Pools, batches, serials in doubt; checking and loading a batch file.
#include "station/base/clock.h"
#include "station/base/codes.h"
#include "web/api/api.h"
#include "web/api/words.h"
#include "web/server/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace lineside::api {
namespace {

using Text = std::optional<std::string>;

constexpr std::array kStates{"reserved", "issued", "burned", "in_doubt", "voided"};

struct Counts {
    std::int64_t total = 0;
    std::map<std::string, std::int64_t> by_state;

    void add(const Counts& other) {
        total += other.total;
        for (const auto& [state, count] : other.by_state) {
            by_state[state] += count;
        }
    }
    [[nodiscard]] std::int64_t free() const {
        std::int64_t left = total;
        for (const auto& [state, count] : by_state) {
            left -= count;
        }
        return left;
    }
    [[nodiscard]] Json json() const {
        Json json{{"total", total}, {"free", free()}};
        for (const char* state : kStates) {
            const auto found = by_state.find(state);
            json[state] = found == by_state.end() ? 0 : found->second;
        }
        return json;
    }
};

// Live leases by batch; a serial without one is free.
Result<std::map<std::int64_t, Counts>> leases_by_batch(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::int64_t>(
        "SELECT s.batch_id, l.state, count(*) FROM lease l JOIN serial s ON s.id = l.serial_id WHERE l.state <> 'released'"
        " GROUP BY s.batch_id, l.state");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::map<std::int64_t, Counts> counts;
    for (const auto& [batch, state, count] : *rows) {
        counts[batch].by_state[state] = count;
    }
    return counts;
}

Result<Json> in_doubt(Tx& tx) {
    auto rows = tx.all<std::string, std::string, std::string, std::int64_t, std::optional<std::int64_t>, Text, Text,
                       std::int64_t, Text, Text, Text>(
        "SELECT s.value, p.name, b.name, l.unit_id, l.job_id, j.slot, u.chip_id, l.at_ms, l.reason, j.code, j.message"
        " FROM lease l JOIN serial s ON s.id = l.serial_id JOIN batch b ON b.id = s.batch_id JOIN pool p ON p.id = b.pool_id"
        " JOIN unit u ON u.id = l.unit_id LEFT JOIN job j ON j.id = l.job_id WHERE l.state = 'in_doubt'"
        " ORDER BY l.at_ms DESC, l.id DESC LIMIT 1000");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    Json list = Json::array();
    for (const auto& [serial, pool, batch, unit, job, slot, chip_id, at, reason, code, message] : *rows) {
        Text cause = reason;
        if (code) {
            const auto& entry = base::code_entry(*code);
            cause = fmt::format("{} ({})", message && !message->empty() ? *message : std::string(entry.sentence),
                                entry.display);
        }
        list.push_back({{"serial", serial}, {"pool", pool}, {"batch", batch}, {"unit", unit}, {"job", or_null(job)},
                        {"slot", or_null(slot)}, {"chip_id", or_null(chip_id)}, {"since", at},
                        {"certain", "Serial sent, not read back"}, {"cause", or_null(cause)},
                        {"next_step", "Plug the unit into any free slot"},
                        {"next_step_why", "The station reads the serial from it"}});
    }
    return list;
}

Result<Json> pool_page(Tx& tx) {
    auto leases = leases_by_batch(tx);
    auto batches = tx.all<std::int64_t, std::string, std::int64_t, std::string, bool, std::int64_t, std::string, std::int64_t>(
        "SELECT b.id, b.name, p.id, p.name, b.test_only, b.loaded_ms, b.loaded_by, b.count FROM batch b"
        " JOIN pool p ON p.id = b.pool_id ORDER BY b.id DESC");
    auto pools = tx.all<std::int64_t, std::string, std::int64_t, std::int64_t, std::optional<std::int64_t>>(
        "SELECT p.id, p.name, p.low_mark, (SELECT count(*) FROM lease l JOIN serial s ON s.id = l.serial_id"
        " JOIN batch b ON b.id = s.batch_id WHERE b.pool_id = p.id AND l.state = 'burned' AND l.at_ms >= ?1),"
        " (SELECT sum(max(0, o.quantity - (SELECT count(DISTINCT j.unit_id) FROM job j WHERE j.order_id = o.id AND"
        " j.outcome = 'PASS'))) FROM orders o WHERE o.pool_id = p.id AND o.state = 'open') FROM pool p ORDER BY p.name",
        base::SystemClock().wall_ms() - 3'600'000);
    auto doubts = in_doubt(tx);
    if (!leases || !batches || !pools || !doubts) {
        return tl::unexpected(!leases    ? leases.error()
                              : !batches ? batches.error()
                              : !pools   ? pools.error()
                                         : doubts.error());
    }
    std::map<std::int64_t, Counts> by_pool;
    Json batch_list = Json::array();
    for (const auto& [id, name, pool_id, pool, test_only, loaded, by, count] : *batches) {
        Counts counts = (*leases)[id];
        counts.total = count;
        by_pool[pool_id].add(counts);
        Json batch = counts.json();
        batch.update({{"id", id}, {"name", name}, {"pool", pool}, {"test_only", test_only}, {"loaded_at", loaded},
                      {"loaded_by", actor_word(by).is_null() ? Json(by) : actor_word(by)}});
        batch_list.push_back(std::move(batch));
    }
    Json pool_list = Json::array();
    for (const auto& [id, name, low_mark, used, needed] : *pools) {
        const Counts& counts = by_pool[id];
        Json pool = counts.json();
        pool.update({{"name", name}, {"low", counts.free() <= low_mark}, {"warn_at", low_mark}, {"used_last_hour", used},
                     {"needed", or_null(needed)}});
        pool_list.push_back(std::move(pool));
    }
    return Json{{"pools", std::move(pool_list)}, {"batches", std::move(batch_list)}, {"in_doubt", std::move(*doubts)}};
}

// A name of a pool or batch: [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool is_batch_name(const std::string& text) {
    return web::is_slot_label(text) && text.find(':') == std::string::npos;
}

Result<engine::BatchLoad> batch_of(const Request& request) {
    engine::BatchLoad load;
    load.pool = request.query_value("pool").value_or("");
    load.batch = request.query_value("batch").value_or("");
    const std::string test_only = request.query_value("test_only").value_or("0");
    if (!is_batch_name(load.pool)) {
        return tl::unexpected(web::http_error("http.parameter", "Parameter pool must name a pool"));
    }
    if (!is_batch_name(load.batch)) {
        return tl::unexpected(web::http_error(
            "http.parameter", "Parameter batch must be a name: letters, digits, dot, dash, underscore, at most 64"));
    }
    if (test_only != "0" && test_only != "1") {
        return tl::unexpected(web::http_error("http.parameter", "Parameter test_only must be 0 or 1"));
    }
    if (request.query_value("file").value_or("").size() > 200) {
        return tl::unexpected(web::http_error("http.parameter", "Parameter file is too long"));
    }
    load.test_only = test_only == "1";
    return load;
}

// The complaints carry the name the person knows the file by.
void name_file(Json& check, const std::string& file) {
    for (const char* list : {"errors", "warnings"}) {
        if (auto found = check.find(list); !file.empty() && found != check.end() && found->is_array()) {
            for (Json& complaint : *found) {
                if (complaint.is_object() && complaint.value("file", Json("")) == "") {
                    complaint["file"] = file;
                }
            }
        }
    }
}

}  // namespace

void get_pool(Api& api, const Request& /*request*/, const ReplyPtr& reply) { api.read(reply, pool_page); }

void preview_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    auto load = batch_of(request);
    if (!load) {
        reply->problem(load.error());
        return;
    }
    load->preview = true;
    load->csv = request.body;
    api.facade.load_batch(std::move(*load), request.actor,
                          [reply, file = request.query_value("file").value_or("")](Result<Json> check) {
                              if (check) {
                                  name_file(*check, file);
                              }
                              reply->outcome(check);
                          });
}

void load_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    auto load = batch_of(request);
    if (!load) {
        reply->problem(load.error());
        return;
    }
    load->csv = request.body;
    api.facade.load_batch(
        std::move(*load), request.actor,
        [reply, file = request.query_value("file").value_or("")](Result<Json> result) {
            if (!result || result->value("verdict", Json("accept")) != "reject") {
                reply->outcome(result, 201);
                return;
            }
            name_file(*result, file);
            const auto error = web::http_error("batch.refused");
            Json problem = web::problem_json(error);
            problem["check"] = std::move(*result);
            auto response = web::json_response(web::status_of(error.code), problem);
            response.content_type = "application/problem+json";
            reply->send(std::move(response));
        }
    );
}

}  // namespace lineside::api
