// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/line.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace lineside::jetson_usb {
namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\x07';

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool is_blank(char letter) {
    return letter == ' ' || letter == '\t';
}

// What a bar is drawn of. A table, since most bytes of a log are those of bars.
constexpr auto kOfABar = [] {
    std::array<bool, 256> out{};
    for (const char letter : std::string_view(".=#-> \t]")) {
        out[static_cast<unsigned char>(letter)] = true;
    }
    return out;
}();

// What follows an escape: "[" parameters final, "]" text until BEL or ESC \, or one letter.
// Source: ECMA-48, 5.4 and 8.3.89.
std::size_t escape_length(std::string_view rest) {
    if (rest.size() < 2) {
        return rest.size();
    }
    std::size_t at = 2;
    if (rest[1] == '[') {
        while (at < rest.size() && (rest[at] < 0x40 || rest[at] > 0x7e)) {
            ++at;
        }
        return at < rest.size() ? at + 1 : at;
    }
    if (rest[1] == ']') {
        while (at < rest.size() && rest[at] != kBell && rest[at] != kEscape) {
            ++at;
        }
        return at >= rest.size() ? at : rest[at] == kBell ? at + 1 : std::min(at + 2, rest.size());
    }
    return at;
}

// Length of the stamp at the front, blanks behind it included; 0 = none. `seconds` gets its value.
std::size_t stamp_length(std::string_view line, double* seconds) {
    if (line.empty() || line.front() != '[') {
        return 0;
    }
    std::size_t at = 1;
    while (at < line.size() && line[at] == ' ') {
        ++at;
    }
    const std::size_t first = at;
    while (at < line.size() && is_digit(line[at])) {
        ++at;
    }
    if (at == first || at >= line.size() || line[at] != '.') {
        return 0;
    }
    const std::size_t point = at++;
    while (at < line.size() && is_digit(line[at])) {
        ++at;
    }
    if (at == point + 1) {
        return 0;
    }
    if (seconds != nullptr) {
        std::from_chars(line.data() + first, line.data() + at, *seconds);
    }
    while (at < line.size() && line[at] == ' ') {
        ++at;
    }
    if (at >= line.size() || line[at] != ']') {
        return 0;
    }
    ++at;
    while (at < line.size() && is_blank(line[at])) {
        ++at;
    }
    return at;
}

}  // namespace

std::string cleaned(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    while (!line.empty()) {
        if (line.front() == kEscape) {
            line.remove_prefix(escape_length(line));
            continue;
        }
        const auto letter = static_cast<unsigned char>(line.front());
        if (letter >= 0x20 || letter == '\t') {
            out += line.front();
        }
        line.remove_prefix(1);
    }
    return out;
}

std::string_view without_stamps(std::string_view line) {
    while (!line.empty() && is_blank(line.front())) {
        line.remove_prefix(1);
    }
    while (const std::size_t length = stamp_length(line, nullptr)) {
        line.remove_prefix(length);
    }
    while (!line.empty() && is_blank(line.back())) {
        line.remove_suffix(1);
    }
    return line;
}

std::optional<double> stamp_of(std::string_view line) {
    while (!line.empty() && is_blank(line.front())) {
        line.remove_prefix(1);
    }
    double seconds = 0;
    return stamp_length(line, &seconds) > 0 ? std::optional(seconds) : std::nullopt;
}

std::optional<int> bar_percent(std::string_view line) {
    if (line.size() < 3 || line.back() != '%' || line.front() != '[' ||
        !is_digit(line[line.size() - 2])) {
        return std::nullopt;
    }
    line.remove_suffix(1);
    std::size_t digits = 0;
    while (digits < 3 && digits < line.size() && is_digit(line[line.size() - 1 - digits])) {
        ++digits;
    }
    int percent = 0;
    for (const char digit : line.substr(line.size() - digits)) {
        percent = 10 * percent + (digit - '0');
    }
    // Between the brackets is the bar alone; anything else is a line that happens to end so.
    const auto bar = line.substr(1, line.size() - digits - 1);
    const bool alone = std::all_of(bar.begin(), bar.end(), [](char letter) {
        return kOfABar[static_cast<unsigned char>(letter)];
    });
    return alone && bar.find(']') != std::string_view::npos ? std::optional(percent) : std::nullopt;
}

std::string printable(std::string_view line, std::size_t limit) {
    std::string out(line.substr(0, limit));
    for (char& letter : out) {
        const auto code = static_cast<unsigned char>(letter);
        letter = code == '\t' ? ' ' : code < 0x20 || code > 0x7e ? '?' : letter;
    }
    return out;
}

}  // namespace lineside::jetson_usb
