// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lineside::protocol::detail {
namespace {

tl::unexpected<base::Error> wrong(std::string_view name, std::string_view wanted) {
    return base::fail("protocol.invalid", fmt::format("field '{}' must be {}", name, wanted));
}

bool is_hex4(std::string_view text) {
    return text.size() == 4 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// PROTOCOL.md: at most 16 levels, so that a recording of a message stays within base's 32.
bool too_deep(const Json& value, int left) {
    if (!value.is_structured()) {
        return false;
    }
    return left == 0 || std::any_of(value.begin(), value.end(),
                                    [&](const Json& item) { return too_deep(item, left - 1); });
}

}  // namespace

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kMaxName &&
           text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") ==
               std::string_view::npos;
}

bool is_usb_id(std::string_view text) {
    return text.size() == 9 && text[4] == ':' && is_hex4(text.substr(0, 4)) &&
           is_hex4(text.substr(5));
}

void Fields::refuse(std::string_view name, std::string_view wanted) {
    if (status_) {
        status_ = wrong(name, wanted);
    }
}

void Fields::adopt(const base::Status& other) {
    if (status_) {
        status_ = other;
    }
}

bool Fields::has(std::string_view name) const {
    const auto it = object_.find(name);
    return it != object_.end() && !it->is_null();
}

std::string Fields::text(std::string_view name, std::size_t most, bool required) {
    auto value = required ? take(base::field<std::string>(object_, name), {})
                          : take(base::field_or<std::string>(object_, name, {}), {});
    if (value.size() > most) {
        refuse(name, fmt::format("text of at most {} bytes", most));
        return {};
    }
    return value;
}

std::string Fields::word(std::string_view name) {
    auto value = text(name, kMaxName);
    if (good() && !is_word(value)) {
        refuse(name, "a word of 1 to 64 letters, digits, '.', '_', ':' or '-'");
        return {};
    }
    return value;
}

std::int64_t Fields::number(std::string_view name, std::int64_t least, std::int64_t most) {
    const auto value = take(base::field<std::int64_t>(object_, name), least);
    if (value < least || value > most) {
        refuse(name, fmt::format("a whole number from {} to {}", least, most));
        return least;
    }
    return value;
}

std::int64_t Fields::number_or(std::string_view name, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) {
    return has(name) ? number(name, least, most) : otherwise;
}

std::uint64_t Fields::count_or(std::string_view name, std::uint64_t otherwise) {
    return take(base::field_or<std::uint64_t>(object_, name, otherwise), otherwise);
}

double Fields::real_or(std::string_view name, double otherwise, double least, double most) {
    const auto value = take(base::field_or<double>(object_, name, otherwise), otherwise);
    if (!std::isfinite(value) || value < least || value > most) {
        refuse(name, fmt::format("a number from {} to {}", least, most));
        return otherwise;
    }
    return value;
}

bool Fields::flag(std::string_view name) {
    return take(base::field<bool>(object_, name), false);
}

bool Fields::flag_or(std::string_view name, bool otherwise) {
    return take(base::field_or<bool>(object_, name, otherwise), otherwise);
}

Json Fields::object(std::string_view name) {
    return take(base::field<Json>(object_, name), Json::object());
}

Json Fields::object_or_empty(std::string_view name) {
    return take(base::field_or<Json>(object_, name, Json::object()), Json::object());
}

Json Fields::any_or_null(std::string_view name) {
    const auto it = object_.find(name);
    return it == object_.end() ? Json() : *it;
}

std::vector<std::string> Fields::texts(std::string_view name, std::size_t most) {
    std::vector<std::string> out;
    if (!has(name)) {
        return out;
    }
    const Json& list = object_[std::string(name)];
    if (!list.is_array() || list.size() > most) {
        refuse(name, fmt::format("a list of at most {} texts", most));
        return out;
    }
    for (const Json& item : list) {
        if (!item.is_string() || item.get_ref<const std::string&>().size() > kMaxName) {
            refuse(name, "a list of texts of at most 64 bytes");
            return {};
        }
        out.push_back(item.get<std::string>());
    }
    return out;
}

base::Result<base::Error> read_error(const Json& message) {
    Fields outer(message);
    const Json object = outer.object("error");
    Fields in(object);
    base::Error error;
    error.code = in.word("code");
    error.kind = base::kind_from_text(in.text("kind", kMaxName, false));
    error.message = in.text("message", kMaxText);
    error.hint = in.text("hint", kMaxText, false);
    error.retry = in.flag_or("retry", false);
    outer.adopt(in.status());
    if (!outer.good()) {
        return tl::unexpected(outer.status().error());
    }
    return error;
}

Json write_error(const base::Error& error) {
    return {{"code", error.code},
            {"kind", base::to_text(error.kind)},
            {"message", error.message},
            {"hint", error.hint},
            {"retry", error.retry}};
}

base::Result<Json> read_line(std::string_view line, std::size_t most) {
    auto parsed = base::parse_json(line, most);
    if (!parsed) {
        return parsed;
    }
    if (!parsed->is_object()) {
        return base::fail("protocol.invalid", "a message must be one JSON object");
    }
    if (too_deep(*parsed, kMaxDepth)) {
        return base::fail("protocol.invalid", "message is nested deeper than 16");
    }
    Fields in(*parsed);
    static_cast<void>(in.word("ev"));
    if (!in.good()) {
        return tl::unexpected(in.status().error());
    }
    return parsed;
}

std::string write_line(const Json& object) {
    return base::dump_json(object) + '\n';
}

}  // namespace lineside::protocol::detail
