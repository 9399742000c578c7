// SPDX-License-Identifier: Apache-2.0
// What the line sees, live; and the station's own state.
#include "station/base/clock.h"
#include "station/base/text.h"
#include "web/api/api.h"

namespace lineside::api {
namespace {

// What a stranger on the network may not know; on this host everybody may.
bool is_stranger(const Request& request) {
    return request.over_tls && request.session == 0;
}

}  // namespace

void get_wall(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    reply->json(200, api.facade.wall());
}

void get_events(Api& api, const Request& request, const ReplyPtr& reply) {
    web::Response response;
    response.content_type = "text/event-stream";
    response.headers.push_back({"X-Accel-Buffering", "no"});
    auto stream =
        std::make_shared<web::EventStream>(api.facade, api.frames, api.counters, api.stream_limits);
    // The query parameter is for scripts; a browser that reconnects sends the header, which is
    // newer.
    std::string text(request.header("last-event-id"));
    if (text.empty()) {
        text = request.query_value("last_event_id").value_or("");
    }
    std::optional<std::int64_t> last_id = base::to_int(text);
    if (last_id && *last_id < 0) {
        last_id.reset();  // what we never sent: a snapshot puts it right
    }
    if (request.verb != Verb::head) {
        stream->open(last_id);
    }
    response.push = std::move(stream);
    reply->send(std::move(response));
}

void get_clock(Api& /*api*/, const Request& /*request*/, const ReplyPtr& reply) {
    const base::SystemClock clock;
    const auto at = clock.wall_ms();
    reply->json(200, {{"at", at}, {"mono_ns", clock.mono_ns()}});
}

void get_health(Api& api, const Request& request, const ReplyPtr& reply) {
    Json health = api.facade.health();
    const bool ok = health.value("ok", health.value("status", Json()) == "ok");
    if (is_stranger(request)) {
        return reply->json(ok ? 200 : 503, {{"ok", ok}});
    }
    health["ok"] = ok;
    if (!health.contains("problems")) {
        Json problems = Json::array();
        const Json wall = ok ? Json::object() : api.facade.wall();
        for (const Json& alarm :
             wall.value("station", Json::object()).value("alarms", Json::array())) {
            problems.push_back(alarm.value("sentence", ""));
        }
        health["problems"] = std::move(problems);
    }
    reply->json(ok ? 200 : 503, health);
}

void get_metrics(Api& api, const Request& request, const ReplyPtr& reply) {
    if (is_stranger(request)) {
        return reply->problem(base::make_error("people.needed"));
    }
    std::string text = api.facade.metrics();
    if (!text.empty() && text.back() != '\n') {
        text += '\n';
    }
    reply->send(web::text_response(200, "text/plain; version=0.0.4; charset=utf-8",
                                   text + api.counters->prometheus()));
}

void get_openapi(Api& /*api*/, const Request& /*request*/, const ReplyPtr& reply) {
    reply->send(web::text_response(200, "application/yaml", std::string(openapi_text())));
}

}  // namespace lineside::api
