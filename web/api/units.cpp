// SPDX-License-Identifier: Apache-2.0
#include "station/engine/label_facade.h"
#include "station/labels/label_rows.h"
#include "web/api/api.h"
#include "web/api/proofs.h"
#include "web/api/words.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::api {
namespace {

using Text = std::optional<std::string>;

constexpr std::size_t kHistoryLines = 200;

void add_fact(Json& facts, std::string_view key, std::string_view label, const Text& value,
              bool mono = false) {
    if (value && !value->empty()) {
        Json fact{{"key", key}, {"label", label}, {"value", *value}};
        if (mono) {
            fact["mono"] = true;
        }
        facts.push_back(std::move(fact));
    }
}

// The board as the tool read it: {"id":"3668","sku":"0000","fab":"100"} -> "3668-0000-100".
Text board_text(const Text& board) {
    if (!board) {
        return {};
    }
    const auto json = base::parse_json(*board, 4096);
    if (!json || !json->is_object()) {
        return board;
    }
    std::string text;
    for (const char* part : {"id", "sku", "fab", "rev"}) {
        if (const auto value = base::field_or<std::string>(*json, part, "");
            value && !value->empty()) {
            text += (text.empty() ? "" : "-") + *value;
        }
    }
    return text.empty() ? std::nullopt : Text(text);
}

Result<Json> history(Tx& tx, std::int64_t unit) {
    Json lines = Json::array();
    auto done = tx.each(
        "SELECT seq, at_ms, kind, slot, actor, data FROM event WHERE job_id IN (SELECT id FROM job "
        "WHERE unit_id = ?1)"
        " AND kind NOT IN ('step.started', 'unit.fact') ORDER BY seq DESC LIMIT 2000",
        {unit}, [&](const Tx::Row& row) {
            const auto data = base::parse_json(row.text(5), 1024 * 1024);
            const auto sentence =
                history_sentence(row.text(2), data ? *data : Json::object(), row.text(3));
            if (!sentence.empty()) {
                const Text actor = row.is_null(4) ? Text() : Text(row.text(4));
                lines.push_back({{"seq", row.integer(0)},
                                 {"at", row.integer(1)},
                                 {"sentence", sentence},
                                 {"actor", actor_word(actor)}});
            }
            return lines.size() < kHistoryLines;
        });
    if (!done) {
        return tl::unexpected(done.error());
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

Result<Json> attempts(Tx& tx, std::int64_t unit) {
    auto rows = tx.all<std::int64_t, std::int64_t, Text, Text, Text, std::string, std::int64_t,
                       std::optional<std::int64_t>>(
        "SELECT id, attempt, outcome, code, message, slot, started_ms, ended_ms FROM job WHERE "
        "unit_id = ?1"
        " ORDER BY id DESC LIMIT 200",
        unit);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    Json list = Json::array();
    for (const auto& [job, number, outcome, code, message, slot, started, ended] : *rows) {
        Json one{{"job", job},
                 {"number", number},
                 {"slot", slot},
                 {"started_at", started},
                 {"ended_at", or_null(ended)}};
        add_verdict_words(one, outcome, code, message);
        one.erase("action");
        one.erase("retry");
        list.push_back(std::move(one));
    }
    return list;
}

Result<Json> unit_json(Tx& tx, std::int64_t unit, Json tile, const Json& printer) {
    auto row = tx.one<Text, Text, std::string, std::int64_t, Text>(
        "SELECT u.chip_id, u.module_serial, u.model, u.first_ms,"
        " (SELECT value FROM unit_serial WHERE unit_id = u.id) FROM unit u WHERE u.id = ?1",
        unit);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no unit {}", unit));
    }
    const auto& [chip_id, module_serial, model, first_ms, serial] = **row;
    auto newest = tx.one<std::int64_t, Text, Text, Text, std::string, std::string, Text>(
        "SELECT j.id, j.image_key, j.board, j.tool_version, j.port, o.name, j.outcome FROM job j"
        " JOIN orders o ON o.id = j.order_id WHERE j.unit_id = ?1 ORDER BY j.id DESC LIMIT 1",
        unit);
    if (!newest) {
        return tl::unexpected(newest.error());
    }
    Json facts = Json::array();
    add_fact(facts, "chip_id", "Chip id (ECID)", chip_id, true);
    add_fact(facts, "module_serial", "Module serial", module_serial, true);
    add_fact(facts, "model", "Model", model);
    Json proofs = Json::array();
    if (*newest) {
        const auto& [job, image, board, tool, port, order, outcome] = **newest;
        add_fact(facts, "board", "Board", board_text(board), true);
        add_fact(facts, "order", "Order", order);
        add_fact(facts, "image", "Image", image, true);
        add_fact(facts, "tool", "Flash tool", tool);
        add_fact(facts, "port", "Port", port, true);
        auto found = proofs_of(tx, job);
        if (!found) {
            return found;
        }
        proofs = std::move(*found);
    }
    auto tries = attempts(tx, unit);
    auto lines = history(tx, unit);
    auto copies = labels::labels_of_unit(tx, unit);
    if (!tries || !lines || !copies) {
        return tl::unexpected(!tries ? tries.error() : !lines ? lines.error() : copies.error());
    }
    const bool here = tile.is_object() && tile.value("present", false);
    return Json{{"unit", unit},
                {"serial", or_null(serial)},
                {"model", model},
                {"chip_id", or_null(chip_id)},
                {"module_serial", or_null(module_serial)},
                {"slot", here ? tile["slot"] : Json()},
                {"tile", std::move(tile)},
                {"facts", std::move(facts)},
                {"proofs", std::move(proofs)},
                {"attempts", std::move(*tries)},
                {"labels", std::move(*copies)},
                {"label_printer", printer},
                {"history", std::move(*lines)}};
}

}  // namespace

void get_unit(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto unit = request.number("unit");
    Json shown;
    const Json wall = api.facade.wall();
    if (const auto tiles = wall.find("tiles"); tiles != wall.end() && tiles->is_array()) {
        for (const Json& tile : *tiles) {
            if (tile.is_object() && tile.value("unit", Json()) == unit) {
                shown = tile;
            }
        }
    }
    const engine::Labels* labels = api.facade.labels();
    api.read(reply, [unit, shown, printer = labels == nullptr ? Json() : labels->setup()](Tx& tx) {
        return unit_json(tx, unit, shown, printer);
    });
}

}  // namespace lineside::api
