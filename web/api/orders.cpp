// SPDX-License-Identifier: Apache-2.0
// Orders, images, and the status page that joins them with what the engine sees.
#include "serial-pool/pool_status.h"
#include "station/base/clock.h"
#include "web/api/api.h"
#include "web/api/words.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

using Text = std::optional<std::string>;
using Number = std::optional<std::int64_t>;

Result<Json> orders_json(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::string, std::string, Text, Text, std::string,
                       std::int64_t, std::int64_t, std::string, std::int64_t>(
        "SELECT o.id, o.name, o.profile, o.model, i.key, i.tool_version, p.name, o.quantity,"
        " (SELECT count(DISTINCT j.unit_id) FROM job j WHERE j.order_id = o.id AND j.outcome = "
        "'PASS'), o.state, o.opened_ms"
        " FROM orders o JOIN pool p ON p.id = o.pool_id LEFT JOIN image i ON i.id = o.image_id"
        " ORDER BY o.state = 'open' DESC, o.id DESC LIMIT 1000");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    Json orders = Json::array();
    for (const auto& [id, name, profile, model, image, version, pool, quantity, made, state,
                      opened] : *rows) {
        orders.push_back({{"id", id},
                          {"name", name},
                          {"profile", profile},
                          {"model", model},
                          {"image_id", or_null(image)},
                          {"image", image_name(profile, version)},
                          {"pool", pool},
                          {"quantity", quantity},
                          {"made", made},
                          {"state", state == "open" && made >= quantity ? "done" : state},
                          {"opened_at", opened}});
    }
    return Json{{"orders", std::move(orders)}};
}

Result<Json> images_json(Tx& tx) {
    auto rows = tx.all<std::string, std::string, std::string, Text, std::int64_t, std::int64_t,
                       std::int64_t, std::int64_t, Number>(
        "SELECT key, profile, state, tool_version, (SELECT sum(x.builds) FROM image x WHERE "
        "x.profile = i.profile), coalesce(bytes, 0), coalesce(partitions, 0), coalesce(files, 0),"
        " built_ms FROM image i ORDER BY id DESC LIMIT 1000");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    Json images = Json::array();
    for (const auto& [key, profile, state, version, builds, bytes, partitions, files, built] :
         *rows) {
        images.push_back({{"id", key},
                          {"name", image_name(profile, version)},
                          {"profile", profile},
                          {"state", state},
                          {"builds", builds},
                          {"size", bytes},
                          {"partitions", partitions},
                          {"files", files},
                          {"built_at", or_null(built)}});
    }
    return Json{{"images", std::move(images)}};
}

// The engine's live rows, with what the database knows beside.
void fill(Json& live, const Json& stored) {
    for (Json& row : live) {
        for (const Json& other : stored) {
            if (row.is_object() && row.value("id", Json()) == other["id"]) {
                Json full = other;
                full.update(row);
                row = std::move(full);
            }
        }
    }
}

Result<Json> status_json(Tx& tx, Json status) {
    auto orders = orders_json(tx);
    auto images = images_json(tx);
    auto pools = serial_pool::pool_status(tx, base::SystemClock().wall_ms());
    if (!orders || !images || !pools) {
        return tl::unexpected(!orders ? orders.error() : !images ? images.error() : pools.error());
    }
    if (status.value("images", Json()).is_array()) {
        fill(status["images"], (*images)["images"]);
    } else {
        status["images"] = (*images)["images"];
    }
    Json all = (*orders)["orders"];
    for (Json& order : all) {
        for (const Json& live : status.value("orders", Json::array())) {
            if (live.is_object() && live.value("id", Json()) == order["id"]) {
                order.update(live);
            }
        }
    }
    status["orders"] = std::move(all);
    status["pools"] = Json::array();
    for (const auto& pool : *pools) {
        status["pools"].push_back(serial_pool::to_json(pool));
    }
    return status;
}

}  // namespace

void get_status(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply, [status = api.facade.status()](Tx& tx) { return status_json(tx, status); });
}

void get_orders(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply, orders_json);
}

void open_order(Api& api, const Request& request, const ReplyPtr& reply) {
    auto body = base::parse_json(request.body, 64 * 1024);
    if (!body || !body->is_object()) {
        reply->problem(base::make_error("request.invalid", "The body must be a JSON object"));
        return;
    }
    for (const auto& [name, value] : body->items()) {
        if (name != "name" && name != "profile" && name != "pool" && name != "quantity" &&
            name != "close_others" && name != "rotate_token" && name != "allow_no_chip") {
            reply->problem(base::make_error("request.invalid",
                                            fmt::format("Member {} is not known here", name)));
            return;
        }
    }
    auto name = base::field<std::string>(*body, "name");
    auto profile = base::field<std::string>(*body, "profile");
    auto pool = base::field<std::string>(*body, "pool");
    auto quantity = base::field<int>(*body, "quantity");
    auto close_others = base::field_or<bool>(*body, "close_others", false);
    auto rotate_token = base::field_or<bool>(*body, "rotate_token", false);
    auto allow_no_chip = base::field_or<bool>(*body, "allow_no_chip", false);
    if (!name || !profile || !pool || !quantity || !close_others || !rotate_token ||
        !allow_no_chip) {
        const auto& error = !name           ? name.error()
                            : !profile      ? profile.error()
                            : !pool         ? pool.error()
                            : !quantity     ? quantity.error()
                            : !close_others ? close_others.error()
                            : !rotate_token ? rotate_token.error()
                                            : allow_no_chip.error();
        reply->problem(base::make_error("request.invalid", error.message));
        return;
    }
    if (name->empty() || name->size() > 64 || *quantity < 1) {
        reply->problem(base::make_error(
            "request.invalid", "An order needs a name of at most 64 characters and a quantity"));
        return;
    }
    engine::OrderOpening opening;
    opening.name = *name;
    opening.profile = *profile;
    opening.pool = *pool;
    opening.quantity = *quantity;
    opening.close_others = *close_others;
    opening.rotate_token = *rotate_token;
    opening.allow_no_chip = *allow_no_chip;
    api.facade.open_order(std::move(opening), request.actor,
                          [reply](Result<Json> result) { reply->outcome(result, 201); });
}

void get_images(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply, images_json);
}

}  // namespace lineside::api
