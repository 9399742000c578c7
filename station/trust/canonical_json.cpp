// SPDX-License-Identifier: Apache-2.0
#include "station/trust/canonical_json.h"

#include <charconv>
#include <cmath>

namespace lineside::trust {
namespace {

using base::Json;
using base::Status;

constexpr std::int64_t kMostExact = (std::int64_t{1} << 53) - 1;

// Order of UTF-16 code units. It is the order of the UTF-8 bytes but for one case: what UTF-16
// writes as surrogates (UTF-8 lead byte F0 and above) comes before U+E000 to U+FFFF (EE, EF).
bool before_in_utf16(const std::string* left, const std::string* right) {
    const auto differ = std::mismatch(left->begin(), left->end(), right->begin(), right->end());
    if (differ.first == left->end() || differ.second == right->end()) {
        return differ.first == left->end() && differ.second != right->end();
    }
    const auto l = static_cast<unsigned char>(*differ.first);
    const auto r = static_cast<unsigned char>(*differ.second);
    if ((l >= 0xF0) != (r >= 0xF0) && std::min(l, r) >= 0xEE) {
        return l >= 0xF0;
    }
    return l < r;
}

// ECMAScript's Number::toString: the shortest digits that read back as the same number.
void append_number(std::string& out, double number) {
    if (number == 0) {  // minus zero, too
        out += '0';
        return;
    }
    if (number < 0) {
        out += '-';
        number = -number;
    }
    std::array<char, 32> shortest{};
    const auto end = std::to_chars(shortest.data(), shortest.data() + shortest.size(), number,
                                   std::chars_format::scientific)
                         .ptr;
    const std::string_view written(shortest.data(),
                                   static_cast<std::size_t>(end - shortest.data()));
    const std::size_t e = written.find('e');
    std::string digits(1, written[0]);
    if (e > 2) {
        digits += written.substr(2, e - 2);
    }
    int exponent = 0;
    const std::size_t first = written[e + 1] == '+' ? e + 2 : e + 1;  // from_chars takes no plus
    std::from_chars(written.data() + first, written.data() + written.size(), exponent);
    const int length = static_cast<int>(digits.size());
    const int point = exponent + 1;  // digits before the decimal point
    if (point >= length && point <= 21) {
        out += digits + std::string(static_cast<std::size_t>(point - length), '0');
    } else if (point > 0 && point <= 21) {
        const auto whole = static_cast<std::size_t>(point);
        out += digits.substr(0, whole) + '.' + digits.substr(whole);
    } else if (point > -6 && point <= 0) {
        out += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    } else {
        out += digits[0];
        if (length > 1) {
            out += '.' + digits.substr(1);
        }
        out += fmt::format("e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
    }
}

bool is_utf8(const std::string& text) {
    try {
        (void)Json(text).dump();  // strict by default
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

Status append_text(std::string& out, const std::string& text) {
    if (!is_utf8(text)) {
        return base::fail("protocol.invalid", "a text is not UTF-8");
    }
    append_canonical_text(out, text);
    return {};
}

Status append_value(std::string& out, const Json& value);

Status append_object(std::string& out, const Json& value) {
    std::vector<const std::string*> keys;
    keys.reserve(value.size());
    for (auto it = value.begin(); it != value.end(); ++it) {
        keys.push_back(&it.key());
    }
    std::sort(keys.begin(), keys.end(), before_in_utf16);
    out += '{';
    for (const std::string* key : keys) {
        if (out.back() != '{') {
            out += ',';
        }
        if (auto written = append_text(out, *key); !written) {
            return written;
        }
        out += ':';
        if (auto written = append_value(out, value.at(*key)); !written) {
            return base::with_context(std::move(written.error()), *key);
        }
    }
    out += '}';
    return {};
}

Status append_array(std::string& out, const Json& value) {
    out += '[';
    bool first = true;
    for (const Json& item : value) {
        if (!first) {
            out += ',';
        }
        first = false;
        if (auto written = append_value(out, item); !written) {
            return written;
        }
    }
    out += ']';
    return {};
}

Status append_value(std::string& out, const Json& value) {
    if (value.is_object()) {
        return append_object(out, value);
    }
    if (value.is_array()) {
        return append_array(out, value);
    }
    if (value.is_string()) {
        return append_text(out, value.get_ref<const std::string&>());
    }
    if (value.is_number_float()) {
        const double number = value.get<double>();
        if (!std::isfinite(number)) {
            return base::fail("protocol.invalid", "a number is not finite");
        }
        append_number(out, number);
        return {};
    }
    if (value.is_number()) {
        const bool fits = value.is_number_unsigned()
                              ? value.get<std::uint64_t>() <= std::uint64_t{kMostExact}
                              : value.get<std::int64_t>() >= -kMostExact &&
                                    value.get<std::int64_t>() <= kMostExact;
        if (!fits) {
            return base::fail("protocol.invalid",
                              "a whole number is beyond 2^53 - 1; write it as text");
        }
        out += value.dump();
        return {};
    }
    if (value.is_boolean()) {
        out += value.get<bool>() ? "true" : "false";
        return {};
    }
    if (value.is_null()) {
        out += "null";
        return {};
    }
    return base::fail("protocol.invalid", "a value is not JSON");
}

}  // namespace

void append_canonical_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

base::Result<std::string> canonical_json(const Json& value) {
    std::string out;
    if (auto written = append_value(out, value); !written) {
        return tl::unexpected<base::Error>(std::move(written.error()));
    }
    return out;
}

}  // namespace lineside::trust
