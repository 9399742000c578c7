// SPDX-License-Identifier: Apache-2.0
// Checked readers over nlohmann::json: nothing here throws, every error names the field. Text that
// came from outside goes through parse_json, which bounds size and depth.
// Errors: protocol.invalid.   Thread: any.
#pragma once

#include "station/base/error.h"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace lineside::base {

using Json = nlohmann::json;

// Parses one value. Refuses invalid UTF-8, nesting deeper than 32 and more than `max_bytes`.
[[nodiscard]] Result<Json> parse_json(std::string_view text, std::size_t max_bytes);
// One line of text; invalid UTF-8 becomes U+FFFD instead of an exception.
[[nodiscard]] std::string dump_json(const Json& value);
// Text as JSON and SQLite's JSON functions give it back unchanged: what is no UTF-8, and NUL,
// becomes U+FFFD.
[[nodiscard]] std::string mended_text(const std::string& text);

namespace detail {
[[nodiscard]] tl::unexpected<Error> wrong_field(std::string_view name, std::string_view wanted);
template <typename T>
struct Reader;
template <>
struct Reader<std::string> {
    static constexpr std::string_view kWanted = "text";
    static bool fits(const Json& v) { return v.is_string(); }
    static std::string take(const Json& v) { return v.get<std::string>(); }
};
template <>
struct Reader<bool> {
    static constexpr std::string_view kWanted = "true or false";
    static bool fits(const Json& v) { return v.is_boolean(); }
    static bool take(const Json& v) { return v.get<bool>(); }
};
template <std::integral I>
requires(!std::same_as<I, bool>) struct Reader<I> {
    static constexpr std::string_view kWanted = "a whole number in range";
    static bool fits(const Json& v) {
        if (v.is_number_unsigned()) {
            return std::in_range<I>(v.get<std::uint64_t>());
        }
        return v.is_number_integer() && std::in_range<I>(v.get<std::int64_t>());
    }
    static I take(const Json& v) { return v.get<I>(); }
};
template <>
struct Reader<double> {
    static constexpr std::string_view kWanted = "a number";
    static bool fits(const Json& v) { return v.is_number(); }
    static double take(const Json& v) { return v.get<double>(); }
};
template <>
struct Reader<Json> {
    static constexpr std::string_view kWanted = "an object";
    static bool fits(const Json& v) { return v.is_object(); }
    static Json take(const Json& v) { return v; }
};
}  // namespace detail

// The field `name` of `object`, which must be there with the right type.
template <typename T>
[[nodiscard]] Result<T> field(const Json& object, std::string_view name) {
    if (object.is_object()) {
        if (auto it = object.find(name); it != object.end() && detail::Reader<T>::fits(*it)) {
            return detail::Reader<T>::take(*it);
        }
    }
    return detail::wrong_field(name, detail::Reader<T>::kWanted);
}

// The field, or `otherwise` when it is absent or null. A field of the wrong type is an error.
template <typename T>
[[nodiscard]] Result<T> field_or(const Json& object, std::string_view name, T otherwise) {
    if (object.is_object()) {
        auto it = object.find(name);
        if (it == object.end() || it->is_null()) {
            return otherwise;
        }
    }
    return field<T>(object, name);
}

}  // namespace lineside::base
