// SPDX-License-Identifier: Apache-2.0
// What a technician sets up: where the slots stand.
#include "web/api/api.h"
#include "web/api/body.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

constexpr std::size_t kMostPlaces = 256;

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

}  // namespace

void place_slots(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto body = base::parse_json(request.body, 64 * 1024);
    if (!body || !body->is_object() || body->size() != 1 || !body->contains("places") ||
        !(*body)["places"].is_array() || (*body)["places"].size() > kMostPlaces) {
        return reply->problem(base::make_error(
            "request.invalid",
            fmt::format("The body must be an object with places, a list of at most {}",
                        kMostPlaces)));
    }
    std::vector<journal::Place> places;
    for (const Json& one : (*body)["places"]) {
        auto place = place_of(one);
        if (!place) {
            return reply->problem(place.error());
        }
        places.push_back(std::move(*place));
    }
    api.facade.place_slots(std::move(places), request.actor,
                           [reply](const Result<Json>& result) { reply->outcome(result); });
}

}  // namespace lineside::api
