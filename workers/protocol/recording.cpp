// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/recording.h"

#include "workers/protocol/fields.h"

namespace lineside::protocol {
namespace {

constexpr std::size_t kMaxKeptText = 512;

}  // namespace

std::string record_in(std::int64_t at_ms, std::string_view line) {
    Json out{{"at_ms", at_ms}, {"dir", "in"}};
    auto parsed = base::parse_json(line, kMaxLine);
    if (parsed && parsed->is_object()) {
        out["line"] = std::move(*parsed);
    } else {
        out["text"] = std::string(line.substr(0, kMaxKeptText));
    }
    return detail::write_line(out);
}

std::string record_out(std::int64_t at_ms, const FromStation& message) {
    Json out{{"at_ms", at_ms}, {"dir", "out"}};
    auto parsed = base::parse_json(format_for_record(message), 2 * kMaxJobLine);
    out["line"] = parsed ? std::move(*parsed) : Json::object();
    return detail::write_line(out);
}

base::Result<Recorded> parse_recorded(std::string_view line) {
    auto object = base::parse_json(line, 2 * kMaxJobLine);
    if (!object) {
        return tl::unexpected(object.error());
    }
    if (!object->is_object()) {
        return base::fail("protocol.invalid", "a recorded line must be an object");
    }
    detail::Fields in(*object);
    Recorded out;
    out.at_ms = in.number("at_ms", 0, std::numeric_limits<std::int64_t>::max());
    const auto direction = in.word("dir");
    if (in.good() && direction != "in" && direction != "out") {
        in.refuse("dir", "in or out");
    }
    out.direction = direction == "out" ? Direction::out : Direction::in;
    if (in.has("text")) {
        out.text = in.text("text", 4 * kMaxKeptText);
    } else {
        out.line = in.object("line");
    }
    if (!in.good()) {
        return tl::unexpected(in.status().error());
    }
    return out;
}

}  // namespace lineside::protocol
