// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"
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

Result<records::StretchAsked> stretch_of(const Request& request) {
    const auto since = time_of(request, "since");
    const auto until = time_of(request, "until");
    if (!since || !until) {
        return tl::unexpected<base::Error>(!since ? since.error() : until.error());
    }
    return records::StretchAsked{*since, *until, request.query_value("order").value_or(""),
                                 request.query_value("image").value_or("")};
}

}  // namespace

void get_numbers(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto stretch = stretch_of(request);
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
    const auto stretch = stretch_of(request);
    if (!stretch) {
        return reply->problem(stretch.error());
    }
    std::vector<std::string> slots;
    for (const Json& tile : api.facade.wall()["tiles"]) {
        if (tile["mapped"] == true) {
            slots.push_back(tile["slot"].get<std::string>());
        }
    }
    api.read(reply,
             [asked = *stretch, slots](Tx& tx) { return records::slot_health(tx, asked, slots); });
}

}  // namespace lineside::api
