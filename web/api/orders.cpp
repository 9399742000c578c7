// SPDX-License-Identifier: Apache-2.0
// Orders, images, and the status page that joins them with what the engine sees.
#include "serial-pool/pool_status.h"
#include "station/base/clock.h"
#include "station/engine/order_desk.h"
#include "web/api/api.h"
#include "web/api/body.h"
#include "web/api/words.h"

#include <fmt/format.h>

#include <map>

namespace lineside::api {
namespace {

using Text = std::optional<std::string>;
using Number = std::optional<std::int64_t>;

struct OrderCounts {
    std::int64_t units = 0, passed = 0, in_work = 0;
};

// How the units of an order ended, each counted once.
Json account_of(const OrderCounts& counts) {
    return {{"units", counts.units},
            {"passed", counts.passed},
            {"failed", counts.units - counts.passed - counts.in_work},
            {"in_work", counts.in_work}};
}

Result<std::map<std::int64_t, OrderCounts>> counts_by_order(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
        "SELECT order_id, count(*), sum(passed), sum(passed = 0 AND live) FROM"
        " (SELECT order_id, unit_id, max(outcome IS 'PASS') AS passed, max(outcome IS NULL) AS live"
        "  FROM job GROUP BY order_id, unit_id) GROUP BY order_id");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::map<std::int64_t, OrderCounts> counts;
    for (const auto& [order, units, passed, live] : *rows) {
        counts[order] = {units, passed, live};
    }
    return counts;
}

Result<Json> orders_json(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::string, std::string, Text, Text, std::string,
                       std::int64_t, std::string, std::int64_t, std::string, bool, bool, Number,
                       Text, Text>(
        "SELECT o.id, o.name, o.profile, o.model, i.key, i.tool_version, p.name, o.quantity,"
        " o.state, o.opened_ms, o.opened_by, o.rotate_token, o.allow_no_chip, o.ended_ms,"
        " o.ended_by, o.end_reason"
        " FROM orders o JOIN pool p ON p.id = o.pool_id LEFT JOIN image i ON i.id = o.image_id"
        " ORDER BY o.state <> 'closed' DESC, o.id DESC LIMIT 1000");
    auto counts = counts_by_order(tx);
    if (!rows || !counts) {
        return tl::unexpected(rows ? counts.error() : rows.error());
    }
    Json orders = Json::array();
    for (const auto& [id, name, profile, model, image, version, pool, quantity, state, opened, by,
                      rotate, no_chip, ended, ended_by, reason] : *rows) {
        const OrderCounts of = (*counts)[id];
        orders.push_back({{"id", id},
                          {"name", name},
                          {"profile", profile},
                          {"model", model},
                          {"image_id", or_null(image)},
                          {"image", image_name(profile, version)},
                          {"pool", pool},
                          {"quantity", quantity},
                          {"made", of.passed},
                          {"state", state == "open" && of.passed >= quantity ? "done" : state},
                          {"opened_at", opened},
                          {"opened_by", by},
                          {"rotate_token", rotate},
                          {"allow_no_chip", no_chip},
                          {"ended_at", or_null(ended)},
                          {"ended_by", or_null(ended_by)},
                          {"end_reason", or_null(reason)},
                          {"account", account_of(of)},
                          {"changed", nullptr},
                          {"image_error", nullptr},
                          {"in_force", nullptr}});
    }
    return Json{{"orders", std::move(orders)}};
}

// What people said of the images, oldest first.
Result<std::map<std::int64_t, Json>> sayings(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::string, std::int64_t, Text>(
        "SELECT image_id, kind, by_user, at_ms, reason FROM image_release ORDER BY id");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::map<std::int64_t, Json> said;
    for (const auto& [image, kind, by, at, reason] : *rows) {
        Json& list = said.try_emplace(image, Json::array()).first->second;
        list.push_back({{"kind", kind}, {"by", by}, {"at", at}, {"reason", or_null(reason)}});
    }
    return said;
}

Result<Json> images_json(Tx& tx, config::ReleasePolicy policy) {
    auto rows = tx.all<std::int64_t, std::string, std::string, std::string, Text, std::int64_t,
                       std::int64_t, std::int64_t, std::int64_t, Number>(
        "SELECT id, key, profile, state, tool_version, (SELECT sum(x.builds) FROM image x WHERE "
        "x.profile = i.profile), coalesce(bytes, 0), coalesce(partitions, 0), coalesce(files, 0),"
        " built_ms FROM image i ORDER BY id DESC LIMIT 1000");
    auto said = sayings(tx);
    if (!rows || !said) {
        return tl::unexpected(rows ? said.error() : rows.error());
    }
    Json images = Json::array();
    for (const auto& [id, key, profile, state, version, builds, bytes, partitions, files, built] :
         *rows) {
        auto release = engine::image_release(tx, policy, base::ImageRow(id));
        if (!release) {
            return tl::unexpected(release.error());
        }
        const auto words = said->find(id);
        images.push_back({{"id", key},
                          {"name", image_name(profile, version)},
                          {"profile", profile},
                          {"state", state},
                          {"builds", builds},
                          {"size", bytes},
                          {"partitions", partitions},
                          {"files", files},
                          {"built_at", or_null(built)},
                          {"release", engine::to_json(*release)},
                          {"said", words == said->end() ? Json::array() : words->second}});
    }
    return Json{{"policy", config::to_text(policy)}, {"images", std::move(images)}};
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

// The orders, and what the engine alone knows of those that are not closed.
Json with_live(Json all, const Json& status) {
    for (Json& order : all) {
        for (const Json& live : status.value("orders", Json::array())) {
            if (live.is_object() && live.value("id", Json()) == order["id"]) {
                order.update(live);
            }
        }
    }
    return all;
}

Result<Json> status_json(Tx& tx, Json status, config::ReleasePolicy policy) {
    auto orders = orders_json(tx);
    auto images = images_json(tx, policy);
    auto pools = serial_pool::pool_status(tx, base::SystemClock().wall_ms());
    if (!orders || !images || !pools) {
        return tl::unexpected(!orders ? orders.error() : !images ? images.error() : pools.error());
    }
    if (status.value("images", Json()).is_array()) {
        fill(status["images"], (*images)["images"]);
    } else {
        status["images"] = (*images)["images"];
    }
    status["orders"] = with_live((*orders)["orders"], status);
    status["pools"] = Json::array();
    for (const auto& pool : *pools) {
        status["pools"].push_back(serial_pool::to_json(pool));
    }
    return status;
}

void change_order(Api& api, const Request& request, const ReplyPtr& reply, std::string state) {
    engine::OrderChange change;
    change.order = request.param("order");
    change.state = std::move(state);
    Body body(request);
    if (change.state == "closed") {
        body.need("reason", change.reason);
    }
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    api.facade.change_order(std::move(change), request.actor,
                            [reply](const Result<Json>& result) { reply->outcome(result); });
}

void say_of_image(Api& api, const Request& request, const ReplyPtr& reply, std::string kind) {
    engine::ImageSaying saying;
    saying.image = request.param("image");
    saying.kind = std::move(kind);
    Body body(request);
    if (saying.kind != "release") {
        body.need("reason", saying.reason);
    }
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    api.facade.say_of_image(std::move(saying), request.actor,
                            [reply](const Result<Json>& result) { reply->outcome(result); });
}

}  // namespace

void get_status(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply, [status = api.facade.status(), policy = api.facade.release_policy()](Tx& tx) {
        return status_json(tx, status, policy);
    });
}

void get_orders(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(
        reply,
        [status = api.facade.status(), profiles = api.facade.profiles()](Tx& tx) -> Result<Json> {
            auto orders = orders_json(tx);
            if (!orders) {
                return orders;
            }
            for (Json& order : (*orders)["orders"]) {
                for (const Json& live : status.value("orders", Json::array())) {
                    if (live.is_object() && live.value("id", Json()) == order["id"]) {
                        for (const char* name : {"changed", "image_error", "in_force"}) {
                            order[name] = live.value(name, Json());
                        }
                    }
                }
            }
            (*orders)["profiles"] = profiles;
            return orders;
        });
}

void open_order(Api& api, const Request& request, const ReplyPtr& reply) {
    engine::OrderOpening opening;
    Body body(request);
    body.need("name", opening.name);
    body.need("profile", opening.profile);
    body.may("pool", opening.pool);
    body.need("quantity", opening.quantity);
    body.may("close_others", opening.close_others);
    body.may("rotate_token", opening.rotate_token);
    body.may("allow_no_chip", opening.allow_no_chip);
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    api.facade.open_order(std::move(opening), request.actor,
                          [reply](Result<Json> result) { reply->outcome(result, 201); });
}

void pause_order(Api& api, const Request& request, const ReplyPtr& reply) {
    change_order(api, request, reply, "paused");
}

void resume_order(Api& api, const Request& request, const ReplyPtr& reply) {
    change_order(api, request, reply, "open");
}

void close_order(Api& api, const Request& request, const ReplyPtr& reply) {
    change_order(api, request, reply, "closed");
}

void get_images(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply,
             [policy = api.facade.release_policy()](Tx& tx) { return images_json(tx, policy); });
}

void release_image(Api& api, const Request& request, const ReplyPtr& reply) {
    say_of_image(api, request, reply, "release");
}

void release_image_in_emergency(Api& api, const Request& request, const ReplyPtr& reply) {
    say_of_image(api, request, reply, "emergency");
}

void withdraw_image(Api& api, const Request& request, const ReplyPtr& reply) {
    say_of_image(api, request, reply, "withdrawal");
}

}  // namespace lineside::api
