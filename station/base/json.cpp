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

// Looked at before it is parsed: the parser's own callback would do, but with one it looks through
// all of a list again behind each object in it, and a list of many takes minutes. Where the text
// stops being JSON this may be wrong, and the parser stops there as well.
bool is_too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            at += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) {
                return true;
            }
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_bytes) {
    if (text.size() > max_bytes) {
        return fail("protocol.invalid", fmt::format("message of {} bytes; at most {} are taken",
                                                    text.size(), max_bytes));
    }
    if (is_too_deep(text)) {
        return fail("protocol.invalid", fmt::format("message is nested deeper than {}", kMaxDepth));
    }
    Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
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
