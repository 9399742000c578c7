// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"
#include "station/base/clock.h"
#include "station/records/record_filter.h"
#include "station/records/slot_health.h"
#include "web/api/api.h"
#include "web/api/words.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

Result<std::int64_t> time_of(const Request& request, std::string_view name) {
    const auto text = request.query_value(name);
    if (!text) {
        return base::fail("request.invalid", fmt::format("{}: is missing", name));
    }
    return records::parse_time(*text, name == "until");
}

Result<records::StretchAsked> stretch_of(Api& api, const Request& request) {
    const auto since = time_of(request, "since");
    const auto until = time_of(request, "until");
    if (!since || !until) {
        return tl::unexpected<base::Error>(!since ? since.error() : until.error());
    }
    records::StretchAsked asked{*since, *until, request.query_value("order").value_or(""),
                                request.query_value("image").value_or(""), ""};
    if (const auto name = request.query_value("shift"); name && !name->empty()) {
        const auto& shifts = api.facade.shifts();
        const auto shift = records::known_shift(shifts, *name);
        if (!shift) {
            return tl::unexpected<base::Error>(shift.error());
        }
        asked.shift_sql = records::shift_condition(shifts, **shift, "j.ended_ms");
    }
    return asked;
}

}  // namespace

void get_numbers(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto stretch = stretch_of(api, request);
    if (!stretch) {
        return reply->problem(stretch.error());
    }
    api.read(reply, [asked = *stretch](Tx& tx) -> Result<Json> {
        auto numbers = records::numbers(tx, asked);
        if (numbers) {
            for (Json& step : (*numbers)["times"]["steps"]) {
                step["word"] = step_word(step["name"].get<std::string>());
            }
        }
        return numbers;
    });
}

void get_slots(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto stretch = stretch_of(api, request);
    if (!stretch) {
        return reply->problem(stretch.error());
    }
    std::vector<std::string> slots;
    const Json wall = api.facade.wall();
    for (const Json& tile : wall["tiles"]) {
        if (tile["mapped"] == true) {
            slots.push_back(tile["slot"].get<std::string>());
        }
    }
    api.read(reply,
             [asked = *stretch, slots](Tx& tx) { return records::slot_health(tx, asked, slots); });
}

// What a wall screen shows in turn with the wall: sums and hours of the shift under way, and
// nothing of units, codes or slots.
void get_wall_numbers(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    constexpr std::int64_t kHourMs = 3'600'000;
    const std::int64_t now = base::SystemClock().wall_ms();
    const Json recent = records::shifts_json(api.facade.shifts(), now)["recent"];
    const Json shift = recent.empty() ? Json() : recent.front();
    records::StretchAsked asked;
    asked.until_ms =
        shift.is_null() ? (now / kHourMs + 1) * kHourMs : shift["until"].get<std::int64_t>();
    asked.since_ms =
        shift.is_null() ? asked.until_ms - 8 * kHourMs : shift["since"].get<std::int64_t>();
    api.read(reply, [asked, shift](Tx& tx) -> Result<Json> {
        auto numbers = records::numbers(tx, asked);
        if (!numbers) {
            return numbers;
        }
        return Json{{"shift", shift.is_null() ? Json() : shift["shift"]},
                    {"since", asked.since_ms},
                    {"until", asked.until_ms},
                    {"sums", std::move((*numbers)["sums"])},
                    {"hours", std::move((*numbers)["hours"])}};
    });
}

void get_shifts(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    reply->json(200, records::shifts_json(api.facade.shifts(), base::SystemClock().wall_ms()));
}

}  // namespace lineside::api
