// SPDX-License-Identifier: Apache-2.0
#include "station/process/quoting.h"

#include <fmt/format.h>

#include <optional>

namespace lineside::process::quoting {
namespace {

constexpr std::size_t kMaxBackslashes = 8;  // quoting of quoting of quoting
constexpr std::size_t kMaxPercents = 3;     // %252541

bool same_letter(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
}

// Does `word` stand at `at`? -1: no; 0: so far, but the text ends; 1: yes.
int stands(std::string_view text, std::size_t at, std::string_view word, bool any_case = false) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (at + i >= text.size()) {
            return 0;
        }
        const char c = text[at + i];
        if (any_case ? !same_letter(c, word[i]) : c != word[i]) {
            return -1;
        }
    }
    return 1;
}

void try_word(std::string_view text, std::size_t at, std::string_view word, Ends& ends,
              bool any_case = false) {
    const int found = stands(text, at, word, any_case);
    if (found == 1) {
        ends.add(at + word.size());
    }
    ends.ran_out = ends.ran_out || found == 0;
}

std::optional<char32_t> code_point(std::string_view bytes) {
    const auto b = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    switch (bytes.size()) {
        case 1:
            return b(0) < 0x80 ? std::optional<char32_t>(b(0)) : std::nullopt;
        case 2:
            return (b(0) & 0x1fU) << 6 | (b(1) & 0x3fU);
        case 3:
            return (b(0) & 0x0fU) << 12 | (b(1) & 0x3fU) << 6 | (b(2) & 0x3fU);
        case 4:
            return (b(0) & 0x07U) << 18 | (b(1) & 0x3fU) << 12 | (b(2) & 0x3fU) << 6 |
                   (b(3) & 0x3fU);
        default:
            return std::nullopt;
    }
}

std::string_view html_name(char c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        default:
            return {};
    }
}

char short_escape(char c) {
    switch (c) {
        case '\n':
            return 'n';
        case '\t':
            return 't';
        case '\r':
            return 'r';
        default:
            return '\0';
    }
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (at + wanted > text.size()) {
        return 1;
    }
    for (std::size_t i = 1; i < wanted; ++i) {
        if ((static_cast<unsigned char>(text[at + i]) & 0xc0U) != 0x80U) {
            return 1;
        }
    }
    return wanted;
}

std::size_t skip_line_end(std::string_view text, std::size_t at, bool& ran_out) {
    for (int i = 0; i < 2; ++i) {
        if (at >= text.size()) {
            ran_out = true;
            return at;
        }
        if (text[at] == '\n' || text[at] == '\r') {
            ++at;
        } else if (text[at] == '\\') {
            if (at + 1 >= text.size()) {
                ran_out = true;
                return at;
            }
            if (text[at + 1] != 'n' && text[at + 1] != 'r') {
                return at;
            }
            at += 2;
        } else {
            return at;
        }
    }
    return at;
}

Element::Element(std::string_view bytes) {
    raw.emplace_back(bytes);
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        percent += fmt::format("%{:02x}", value);
        x_escape += fmt::format("{}x{:02x}", x_escape.empty() ? "" : "\\", value);
        octal += fmt::format("{}{:03o}", octal.empty() ? "" : "\\", value);
    }
    if (const auto point = code_point(bytes)) {
        if (*point < 0x10000) {
            u_escape = fmt::format("u{:04x}", static_cast<unsigned>(*point));
        } else {
            u_escape =
                fmt::format("u{:04x}", 0xd800U + static_cast<unsigned>((*point - 0x10000) >> 10));
            u_second =
                fmt::format("u{:04x}", 0xdc00U + static_cast<unsigned>((*point - 0x10000) & 0x3ff));
        }
    }
    if (bytes.size() == 1) {
        html = html_name(bytes[0]);
        escape = short_escape(bytes[0]);
        quote = bytes[0] == '\'';
        backslash = bytes[0] == '\\';
        if (bytes[0] == ' ') {
            raw.emplace_back("+");
        }
    }
}

void Element::read_escaped(std::string_view text, std::size_t at, Ends& ends) const {
    std::size_t slashes = 0;
    while (slashes < kMaxBackslashes && at + slashes < text.size() && text[at + slashes] == '\\') {
        ++slashes;
        if (backslash) {
            ends.add(at + slashes);
        }
    }
    if (slashes == 0) {
        return;
    }
    const std::size_t after = at + slashes;
    ends.ran_out = ends.ran_out || after >= text.size();
    for (const std::string& spelling : raw) {
        try_word(text, after, spelling, ends);
    }
    try_word(text, after, x_escape, ends, true);
    try_word(text, after, octal, ends);
    if (escape != '\0') {
        try_word(text, after, std::string_view(&escape, 1), ends);
    }
    if (u_second.empty()) {
        if (!u_escape.empty()) {
            try_word(text, after, u_escape, ends, true);
        }
    } else {
        const int first = stands(text, after, u_escape, true);
        ends.ran_out = ends.ran_out || first == 0;
        std::size_t next = after + u_escape.size();
        if (first == 1) {
            while (next < text.size() && text[next] == '\\') {
                ++next;
            }
            ends.ran_out = ends.ran_out || next >= text.size();
            try_word(text, next, u_second, ends, true);
        }
    }
}

void Element::read_percent(std::string_view text, std::size_t at, Ends& ends) const {
    std::size_t next = at + 1;
    for (std::size_t depth = 0; depth < kMaxPercents; ++depth) {
        try_word(text, next, std::string_view(percent).substr(1), ends, true);
        const int again = stands(text, next, "25");
        ends.ran_out = ends.ran_out || again == 0;
        if (again != 1) {
            return;
        }
        next += 2;
    }
}

void Element::read(std::string_view text, std::size_t at, Ends& ends) const {
    if (at >= text.size()) {
        ends.ran_out = true;
        return;
    }
    for (const std::string& spelling : raw) {
        try_word(text, at, spelling, ends);
    }
    switch (text[at]) {
        case '\\':
            read_escaped(text, at, ends);
            break;
        case '%':
            read_percent(text, at, ends);
            break;
        case '&':
            if (!html.empty()) {
                try_word(text, at, html, ends);
            }
            break;
        case '\'':
            if (quote) {
                try_word(text, at, "'\\''", ends);
                try_word(text, at, "'\"'\"'", ends);
            }
            break;
        default:
            break;
    }
}

}  // namespace lineside::process::quoting
