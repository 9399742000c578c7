// SPDX-License-Identifier: Apache-2.0
// One character of a secret and all the ways in which tools, scripts and log files write it.
// Private to the redactor.   Thread: as any value.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::process::quoting {

// The places where reading of one element may have ended, and whether the text ran out meanwhile.
struct Ends {
    static constexpr std::size_t kMost = 32;  // more ways to read one character than there are
    std::array<std::size_t, kMost> at{};
    std::size_t count = 0;
    bool ran_out = false;
    void add(std::size_t end) {
        const auto known = at.begin() + static_cast<std::ptrdiff_t>(count);
        if (count < kMost && std::find(at.begin(), known, end) == known) {
            at[count++] = end;
        }
    }
};

// Length of the UTF-8 character at `at`; 1 for what is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);
// Line ends within base64, as they are or JSON-escaped: where the text goes on.
[[nodiscard]] std::size_t skip_line_end(std::string_view text, std::size_t at, bool& ran_out);

// The character's quotings, prepared.
struct Element {
    std::vector<std::string> raw;  // as it is; base64 has two spellings of one character
    std::string percent;           // "%41", compared in any case
    std::string x_escape;          // "x41", any case
    std::string octal;             // "101"
    std::string u_escape;          // "u0041" or a surrogate pair "u...." "u....", any case
    std::string u_second;
    std::string html;
    char escape = '\0';  // 'n' of "\n"
    bool quote = false;  // '
    bool backslash = false;

    explicit Element(std::string_view bytes);

    // Adds where the character, in whatever quoting, ends if it begins at `at`.
    void read(std::string_view text, std::size_t at, Ends& ends) const;

    // The first bytes this element can have.
    [[nodiscard]] std::string first_bytes() const {
        std::string out = "\\%";
        for (const std::string& spelling : raw) {
            out += spelling[0];
        }
        if (!html.empty()) {
            out += '&';
        }
        return out;
    }

    // Hands every pair of bytes a text can begin with to `mark`; `next` = first bytes of what
    // follows.
    template <typename Mark>
    void mark_pairs(std::string_view next, const Mark& mark) const {
        for (const std::string& spelling : raw) {
            for (const char second :
                 spelling.size() > 1 ? std::string_view(spelling).substr(1, 1) : next) {
                mark(spelling[0], second);
            }
            mark('\\', spelling[0]);
        }
        for (const char second : {'\\', 'x', 'X', 'u', 'U', octal[0], escape}) {
            mark('\\', second);
        }
        if (backslash) {
            for (const char second : next) {
                mark('\\', second);
            }
        }
        mark('%', percent[1]);
        mark('%', static_cast<char>(std::toupper(static_cast<unsigned char>(percent[1]))));
        mark('%', '2');
        if (!html.empty()) {
            mark('&', html[1]);
        }
        if (quote) {
            mark('\'', '\\');
            mark('\'', '"');
        }
    }

  private:
    void read_escaped(std::string_view text, std::size_t at, Ends& ends) const;
    void read_percent(std::string_view text, std::size_t at, Ends& ends) const;
};

}  // namespace lineside::process::quoting
