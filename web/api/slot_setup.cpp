// SPDX-License-Identifier: Apache-2.0
// What a technician sets up: where the slots stand, which port each has, where people are trained.
#include "web/api/api.h"
#include "web/api/body.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

constexpr std::size_t kMost = 256;

Result<journal::Place> place_of(const Json& one) {
    journal::Place place;
    std::int64_t line = 0;
    std::int64_t across = 0;
    Body body(one, "places: ");
    body.need("slot", place.slot);
    body.need("line", line);
    body.need("place", across);
    body.may("hub", place.hub);
    if (const auto wrong = body.wrong()) {
        return tl::unexpected<base::Error>(*wrong);
    }
    // What is out of range is refused as such by the engine, whatever it is.
    place.line = static_cast<int>(std::clamp<std::int64_t>(line, -1, 1000));
    place.place = static_cast<int>(std::clamp<std::int64_t>(across, -1, 1000));
    return place;
}

Result<journal::SlotPort> port_of(const Json& one) {
    journal::SlotPort port;
    Body body(one, "slots: ");
    body.need("slot", port.slot);
    body.need("port", port.port);
    body.may("peer", port.peer);
    const auto wrong = body.wrong();
    return wrong ? Result<journal::SlotPort>(tl::unexpected<base::Error>(*wrong)) : port;
}

// The one member `name`, a list, each part read by `read`.
template <typename T>
Result<std::vector<T>> list_of(const Request& request, const std::string& name,
                               Result<T> (*read)(const Json&)) {
    const auto body = base::parse_json(request.body, 64 * 1024);
    const auto list = body && body->is_object() ? body->find(name) : Json::const_iterator();
    if (!body || !body->is_object() || body->size() != 1 || list == body->end() ||
        !list->is_array() || list->size() > kMost) {
        return base::fail(
            "request.invalid",
            fmt::format("The body must be an object with {}, a list of at most {}", name, kMost));
    }
    std::vector<T> found;
    for (const Json& one : *list) {
        auto part = read(one);
        if (!part) {
            return tl::unexpected<base::Error>(part.error());
        }
        found.push_back(std::move(*part));
    }
    return found;
}

engine::Done tell(const ReplyPtr& reply) {
    return [reply](const Result<Json>& result) { reply->outcome(result); };
}

}  // namespace

void place_slots(Api& api, const Request& request, const ReplyPtr& reply) {
    auto places = list_of<journal::Place>(request, "places", &place_of);
    if (!places) {
        return reply->problem(places.error());
    }
    api.facade.place_slots(std::move(*places), request.actor, tell(reply));
}

void get_ports(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    reply->json(200, api.facade.ports());
}

void map_ports(Api& api, const Request& request, const ReplyPtr& reply) {
    bool on = false;
    Body body(request);
    body.need("on", on);
    if (const auto wrong = body.wrong()) {
        return reply->problem(*wrong);
    }
    api.facade.map_ports(on, request.actor, tell(reply));
}

void save_ports(Api& api, const Request& request, const ReplyPtr& reply) {
    auto ports = list_of<journal::SlotPort>(request, "slots", &port_of);
    if (!ports) {
        return reply->problem(ports.error());
    }
    api.facade.save_ports(std::move(*ports), request.actor, tell(reply));
}

void show_training(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string url;
    Body body(request);
    body.may("url", url);  // left out: it has ended
    if (const auto wrong = body.wrong()) {
        return reply->problem(*wrong);
    }
    api.facade.show_training(std::move(url), tell(reply));
}

}  // namespace lineside::api
