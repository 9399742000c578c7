// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"
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

}  // namespace

void get_numbers(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto since = time_of(request, "since");
    const auto until = time_of(request, "until");
    if (!since || !until) {
        return reply->problem(!since ? since.error() : until.error());
    }
    const records::NumbersAsked asked{*since, *until, request.query_value("order").value_or(""),
                                      request.query_value("image").value_or("")};
    api.read(reply, [asked](Tx& tx) -> Result<Json> {
        auto numbers = records::numbers(tx, asked);
        if (numbers) {
            for (Json& step : (*numbers)["times"]["steps"]) {
                step["word"] = step_word(step["name"].get<std::string>());
            }
        }
        return numbers;
    });
}

}  // namespace lineside::api
