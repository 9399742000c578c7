// SPDX-License-Identifier: Apache-2.0
#include "station/engine/order_desk.h"

#include "serial-pool/serial_pool.h"
#include "serial-pool/staged_load.h"
#include "station/engine/reason.h"

#include <fmt/format.h>

namespace lineside::engine {
namespace {

using base::Json;
using base::Result;
using db::Tx;

Json or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

struct Row {
    base::OrderId id;
    std::string name;
    std::string state;
};

Result<Row> find_order(Tx& tx, const std::string& name) {
    auto row =
        tx.one<base::OrderId, std::string>("SELECT id, state FROM orders WHERE name = ?1", name);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no order {}", name));
    }
    auto& [id, state] = **row;
    return Row{id, name, std::move(state)};
}

base::Status write_state(Tx& tx, const journal::Stamp& stamp, const Row& order,
                         const std::string& state, const std::string& reason,
                         const std::string& actor, Json account) {
    auto done = state == "closed"
                    ? tx.run(
                          "UPDATE orders SET state = 'closed', ended_ms = ?2, ended_by = ?3, "
                          "end_reason = ?4 WHERE id = ?1",
                          order.id, stamp.at_ms, actor, reason)
                    : tx.run("UPDATE orders SET state = ?2 WHERE id = ?1", order.id, state);
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    const std::string kind = state == "open" ? "order.resumed" : "order." + state;
    Json data{{"order", order.name}, {"reason", or_null(reason)}};
    if (!account.is_null()) {
        data["account"] = std::move(account);
    }
    auto told = journal::append(tx, stamp, {kind, "", {}, {}, actor, std::move(data)});
    return told ? base::Status() : tl::unexpected<base::Error>(told.error());
}

}  // namespace

base::Status check_opening(const OrderOpening& opening, bool profile_known) {
    if (!serial_pool::is_pool_name(opening.name)) {
        return base::fail("request.invalid",
                          "name: take letters, digits, '.', '_' or '-', at most 64");
    }
    if (!profile_known) {
        return base::fail("request.invalid", fmt::format("profile: there is no profile '{}' in the "
                                                         "configuration; take one of its own",
                                                         opening.profile));
    }
    if (opening.quantity < 1 || opening.quantity > 1'000'000) {
        return base::fail("request.invalid", "quantity: take a whole number from 1 to 1000000");
    }
    return {};
}

base::Status close_others(Tx& tx, const journal::Stamp& stamp, const OrderOpening& opening,
                          const std::string& model, const std::string& actor) {
    auto rows = tx.all<base::OrderId, std::string, std::string>(
        "SELECT id, name, state FROM orders WHERE model = ?1 AND state <> 'closed' ORDER BY id",
        model);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id, name, state] : *rows) {
        auto account = order_account(tx, id);
        if (!account) {
            return tl::unexpected<base::Error>(account.error());
        }
        auto closed = write_state(tx, stamp, {id, name, state}, "closed",
                                  fmt::format("order {} takes its place", opening.name), actor,
                                  std::move(*account));
        if (!closed) {
            return closed;
        }
    }
    return {};
}

Result<Json> order_account(Tx& tx, base::OrderId order) {
    auto row = tx.one<std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
        "SELECT o.quantity, count(u.unit_id), coalesce(sum(u.passed), 0), coalesce(sum(u.passed = "
        "0 AND u.live), 0)"
        " FROM orders o LEFT JOIN (SELECT unit_id, max(outcome IS 'PASS') AS passed,"
        "   max(outcome IS NULL) AS live FROM job WHERE order_id = ?1 GROUP BY unit_id) u"
        " WHERE o.id = ?1 GROUP BY o.id",
        order);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", "There is no such order");
    }
    const auto& [quantity, units, passed, live] = **row;
    return Json{{"quantity", quantity},
                {"units", units},
                {"passed", passed},
                {"failed", units - passed - live},
                {"in_work", live}};
}

Result<OrderChanged> commit_order_change(Tx& tx, const journal::Stamp& stamp,
                                         const OrderChange& change, const std::string& actor) {
    auto order = find_order(tx, change.order);
    if (!order) {
        return tl::unexpected<base::Error>(order.error());
    }
    if (order->state == "closed" || order->state == change.state) {
        return base::fail("request.conflict",
                          fmt::format("Order {} is {} already", order->name, order->state));
    }
    if (change.state == "closed" || !change.reason.empty()) {
        if (auto good = good_reason(change.reason); !good) {
            return tl::unexpected<base::Error>(good.error());
        }
    }
    auto account = order_account(tx, order->id);
    if (!account) {
        return tl::unexpected<base::Error>(account.error());
    }
    auto written = write_state(tx, stamp, *order, change.state, change.reason, actor,
                               change.state == "closed" ? *account : Json());
    if (!written) {
        return tl::unexpected<base::Error>(written.error());
    }
    return OrderChanged{order->id, change.state,
                        Json{{"id", order->id.value},
                             {"name", order->name},
                             {"state", change.state},
                             {"account", std::move(*account)}}};
}

Result<ImageSaid> commit_image_saying(Tx& tx, const journal::Stamp& stamp,
                                      config::ReleasePolicy policy, const ImageSaying& saying,
                                      const std::string& actor) {
    auto image = tx.one<base::ImageRow>("SELECT id FROM image WHERE key = ?1", saying.image);
    if (!image) {
        return tl::unexpected<base::Error>(image.error());
    }
    if (!*image) {
        return base::fail("request.unknown", "There is no such image; GET /api/v1/images has them");
    }
    const base::ImageRow row = std::get<0>(**image);
    const std::string name = short_key(saying.image);
    auto before = image_release(tx, policy, row);
    if (!before) {
        return tl::unexpected<base::Error>(before.error());
    }
    if (saying.kind == "release") {
        auto mine = tx.one<std::int64_t>(
            "SELECT id FROM image_release WHERE image_id = ?1 AND kind = 'release' AND "
            "lower(by_user) = lower(?2) AND id > coalesce((SELECT max(id) FROM image_release "
            "WHERE image_id = ?1 AND kind = 'withdrawal'), 0)",
            row, actor);
        if (!mine) {
            return tl::unexpected<base::Error>(mine.error());
        }
        if (*mine) {
            return base::fail("request.conflict",
                              fmt::format("{} released image {} already; a second release is by "
                                          "another person, who logs in by another account",
                                          actor, name));
        }
    } else if (auto good = good_reason(saying.reason); !good) {
        return tl::unexpected<base::Error>(good.error());
    }
    if (saying.kind == "emergency" && before->may_start) {
        return base::fail("request.conflict", fmt::format("Image {} is released", name));
    }
    if (saying.kind == "emergency" && policy != config::ReleasePolicy::two) {
        return base::fail("request.conflict", "One release by one person is enough here");
    }
    if (saying.kind == "withdrawal" && before->withdrawn) {
        return base::fail("request.conflict", fmt::format("Image {} is withdrawn already", name));
    }
    auto id = tx.insert(
        "INSERT INTO image_release (image_id, kind, by_user, at_ms, reason) VALUES (?1, ?2, ?3, "
        "?4, ?5)",
        row, saying.kind, actor, stamp.at_ms, db::null_if_empty(saying.reason));
    if (!id) {
        return tl::unexpected<base::Error>(id.error());
    }
    auto told = journal::append(tx, stamp,
                                {"image.release",
                                 "",
                                 {},
                                 {},
                                 actor,
                                 {{"release", *id},
                                  {"image", saying.image},
                                  {"kind", saying.kind},
                                  {"reason", or_null(saying.reason)}}});
    if (!told) {
        return tl::unexpected<base::Error>(told.error());
    }
    auto after = image_release(tx, policy, row);
    if (!after) {
        return tl::unexpected<base::Error>(after.error());
    }
    return ImageSaid{saying.image, *after,
                     Json{{"id", saying.image}, {"release", to_json(*after)}}};
}

Json to_json(const ImageRelease& release) {
    return {{"may_start", release.may_start},
            {"how", or_null(release.how)},
            {"by", or_null(release.by)},
            {"reason", release.reason ? Json(*release.reason) : Json()},
            {"missing", release.missing},
            {"withdrawn", release.withdrawn},
            {"why", or_null(release.why)}};
}

}  // namespace lineside::engine
