// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/escape.h"

namespace lineside::proof {
namespace {

bool is_plain(char c) {
    return c > ' ' && c < '\x7f' && c != '\\';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string escape_name(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        if (is_plain(c)) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 15U]);
    }
    return out;
}

std::optional<std::string> unescape_name(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_plain(text[i])) {
            out.push_back(text[i]);
            continue;
        }
        if (text[i] != '\\' || i + 3 >= text.size() || text[i + 1] != 'x') {
            return std::nullopt;
        }
        const int high = hex_value(text[i + 2]);
        const int low = hex_value(text[i + 3]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        const auto c = static_cast<char>(high * 16 + low);
        if (is_plain(c)) {
            return std::nullopt;
        }
        out.push_back(c);
        i += 3;
    }
    return out;
}

}  // namespace lineside::proof
