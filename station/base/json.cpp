// SPDX-License-Identifier: Apache-2.0
#include "station/base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::base {
namespace {

constexpr int kMaxDepth = 32;

// Where the text stops being JSON. The parser's own message quotes what stands there, which may be
// a secret, so only the place is taken from it. Once more from the start: a good text pays nothing.
std::string not_json(std::string_view text) {
    std::size_t at = text.size();
    try {
        [[maybe_unused]] const Json all = Json::parse(text);
    } catch (const Json::parse_error& wrong) {
        at = std::min(wrong.byte > 0 ? wrong.byte - 1 : 0, text.size());
    } catch (const Json::exception&) {  // out_of_range, which does not say where
        return "message has a number that is too large";
    }
    const std::string_view before = text.substr(0, at);
    const auto last = before.rfind('\n');
    const auto lines = std::count(before.begin(), before.end(), '\n');
    return fmt::format("message is not JSON from line {}, column {} on", lines + 1,
                       last == std::string_view::npos ? at + 1 : at - last);
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_bytes) {
    if (text.size() > max_bytes) {
        return fail("protocol.invalid", fmt::format("message of {} bytes; at most {} are taken",
                                                    text.size(), max_bytes));
    }
    bool too_deep = false;
    const auto watch_depth = [&](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
    };
    Json value = Json::parse(text, watch_depth, /*allow_exceptions=*/false);
    if (too_deep) {
        return fail("protocol.invalid", fmt::format("message is nested deeper than {}", kMaxDepth));
    }
    if (value.is_discarded()) {
        return fail("protocol.invalid", not_json(text));
    }
    return value;
}

std::string dump_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string mended_text(const std::string& text) {
    std::string mended;
    for (const char c : text) {
        mended += c == '\0' ? std::string("\xef\xbf\xbd") : std::string(1, c);
    }
    return Json::parse(dump_json(mended)).get<std::string>();
}

namespace detail {

tl::unexpected<Error> wrong_field(std::string_view name, std::string_view wanted) {
    return fail("protocol.invalid", fmt::format("field '{}' must be {}", name, wanted));
}

}  // namespace detail
}  // namespace lineside::base
