// SPDX-License-Identifier: Apache-2.0
// What a person does at a slot. The page says which job it saw on the tile; if another is there by
// now the press is refused, so that no press hits the wrong unit. The check and the command run in
// one turn of the loop, so nothing comes between them.
#include "web/api/api.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

Result<Json> body_object(const Request& request, std::string_view only_member,
                         std::string_view another = {}) {
    auto body = base::parse_json(request.body, 64 * 1024);
    if (!body || !body->is_object()) {
        return base::fail("request.invalid", "The body must be a JSON object");
    }
    for (const auto& [name, value] : body->items()) {
        if (name != only_member && (another.empty() || name != another)) {
            return base::fail("request.invalid", fmt::format("Member {} is not known here", name));
        }
    }
    return body;
}

}  // namespace

Json slot_tile(const Json& wall, const std::string& slot) {
    if (const auto tiles = wall.find("tiles"); tiles != wall.end() && tiles->is_array()) {
        for (const Json& tile : *tiles) {
            if (tile.is_object() && tile.value("slot", Json()) == slot) {
                return tile;
            }
        }
    }
    return nullptr;
}

namespace {

// The tile of the slot, if it still shows the job the person saw.
Result<Json> seen_tile(Api& api, const Request& request, std::string_view another = {}) {
    auto body = body_object(request, "job", another);
    if (!body) {
        return body;
    }
    auto job = base::field<std::int64_t>(*body, "job");
    if (!job) {
        return base::fail("request.invalid", job.error().message);
    }
    const auto slot = request.param("slot");
    Json tile = slot_tile(api.facade.wall(), slot);
    if (tile.is_object()) {
        if (tile.value("job", Json()) != *job) {
            return base::fail("slot.job_changed");
        }
        return tile;
    }
    return base::fail("request.unknown", fmt::format("There is no slot {}", slot));
}

Result<std::string> reason_of(const Request& request) {
    const auto body = base::parse_json(request.body, 64 * 1024);
    auto reason = body ? base::field<std::string>(*body, "reason")
                       : Result<std::string>(tl::unexpected<base::Error>(body.error()));
    return reason ? reason : base::fail("request.invalid", "reason: say why");
}

// The tile after the change.
engine::Done answer(Api& api, const Request& request, const ReplyPtr& reply, unsigned status) {
    return [&facade = api.facade, slot = request.param("slot"), reply,
            status](const Result<Json>& result) {
        if (!result) {
            reply->problem(result.error());
            return;
        }
        const Json wall = facade.wall();
        reply->json(status, {{"tile", slot_tile(wall, slot)}, {"seq", wall.value("seq", Json())}});
    };
}

}  // namespace

void acknowledge_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto tile = seen_tile(api, request);
    if (!tile) {
        reply->problem(tile.error());
    } else if (tile->value("ack", Json("ready")) != "ready") {
        const bool plugged = tile->value("ack", Json()) == "when_unplugged";
        auto error =
            base::make_error("slot.ack_not_ready", plugged ? "The unit is still plugged in" : "");
        if (!plugged) {
            error.hint = "Look at the tile for what to do";
        }
        reply->problem(error);
    } else {
        api.facade.acknowledge(request.param("slot"), request.actor,
                               answer(api, request, reply, 200));
    }
}

void retry_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto tile = seen_tile(api, request);
    if (!tile) {
        reply->problem(tile.error());
    } else if (tile->value("retry", Json(true)) != true) {
        reply->problem(base::make_error("slot.no_retry"));
    } else {
        api.facade.retry(request.param("slot"), request.actor, answer(api, request, reply, 200));
    }
}

void stop_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto tile = seen_tile(api, request);
    if (!tile) {
        reply->problem(tile.error());
    } else if (!tile->value("outcome", Json()).is_null()) {
        reply->problem(base::make_error("slot.no_job"));
    } else {
        api.facade.stop(request.param("slot"), request.actor, answer(api, request, reply, 202));
    }
}

void send_to_recovery(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto tile = seen_tile(api, request);
    if (!tile) {
        reply->problem(tile.error());
    } else {
        api.facade.to_recovery(request.param("slot"), request.actor,
                               answer(api, request, reply, 200));
    }
}

void rework_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto tile = seen_tile(api, request, "reason");
    if (!tile) {
        reply->problem(tile.error());
        return;
    }
    auto reason = reason_of(request);
    if (!reason) {
        reply->problem(reason.error());
        return;
    }
    api.facade.rework(request.param("slot"), std::move(*reason), request.actor,
                      answer(api, request, reply, 200));
}

namespace {

// A body with a reason and nothing else, and what is then done with it.
void with_reason(const Request& request, const ReplyPtr& reply,
                 const std::function<void(std::string)>& then) {
    if (auto body = body_object(request, "reason"); !body) {
        reply->problem(body.error());
        return;
    }
    auto reason = reason_of(request);
    if (!reason) {
        reply->problem(reason.error());
        return;
    }
    then(std::move(*reason));
}

}  // namespace

void close_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    with_reason(request, reply, [&](std::string reason) {
        api.facade.close_slot(request.param("slot"), std::move(reason), request.actor,
                              answer(api, request, reply, 200));
    });
}

void reopen_slot(Api& api, const Request& request, const ReplyPtr& reply) {
    with_reason(request, reply, [&](std::string reason) {
        api.facade.reopen_slot(request.param("slot"), std::move(reason), request.actor,
                               answer(api, request, reply, 200));
    });
}

void cycle_slot_power(Api& api, const Request& request, const ReplyPtr& reply) {
    if (auto body = body_object(request, ""); !body) {
        reply->problem(body.error());
        return;
    }
    api.facade.cycle_power(request.param("slot"), request.actor, answer(api, request, reply, 200));
}

void void_serial(Api& api, const Request& request, const ReplyPtr& reply) {
    with_reason(request, reply, [&](std::string reason) {
        api.facade.void_serial(request.param("serial"), std::move(reason), request.actor,
                               [reply](const Result<Json>& result) { reply->outcome(result); });
    });
}

void acknowledge_passed(Api& api, const Request& request, const ReplyPtr& reply) {
    if (auto body = body_object(request, ""); !body) {
        reply->problem(body.error());
        return;
    }
    api.facade.acknowledge_passed(request.actor,
                                  [reply](const Result<Json>& result) { reply->outcome(result); });
}

}  // namespace lineside::api
