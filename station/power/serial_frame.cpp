// SPDX-License-Identifier: Apache-2.0
#include "station/power/serial_frame.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace lineside::power {
namespace {

constexpr std::array<std::pair<int, speed_t>, 8> kSpeeds{{{1200, B1200},
                                                          {2400, B2400},
                                                          {4800, B4800},
                                                          {9600, B9600},
                                                          {19200, B19200},
                                                          {38400, B38400},
                                                          {57600, B57600},
                                                          {115200, B115200}}};

}  // namespace

std::optional<SerialFormat> serial_format(int baud, std::string_view frame) {
    const auto* speed = std::find_if(kSpeeds.begin(), kSpeeds.end(),
                                     [&](const auto& each) { return each.first == baud; });
    if (speed == kSpeeds.end() || frame.size() != 3 || (frame[0] != '7' && frame[0] != '8') ||
        (frame[1] != 'N' && frame[1] != 'E' && frame[1] != 'O') ||
        (frame[2] != '1' && frame[2] != '2')) {
        return std::nullopt;
    }
    SerialFormat out;
    out.speed = speed->second;
    out.flags = frame[0] == '7' ? CS7 : CS8;
    out.flags |= frame[1] == 'N' ? tcflag_t{0} : tcflag_t{PARENB};
    out.flags |= frame[1] == 'O' ? tcflag_t{PARODD} : tcflag_t{0};
    out.flags |= frame[2] == '2' ? tcflag_t{CSTOPB} : tcflag_t{0};
    return out;
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (c != ' ') {
            digits += c;
        }
    }
    if (digits.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string out;
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        unsigned value = 0;
        const char* end = digits.data() + at + 2;
        const auto [stop, error] = std::from_chars(digits.data() + at, end, value, 16);
        if (error != std::errc{} || stop != end) {
            return std::nullopt;
        }
        out += static_cast<char>(value);
    }
    return out;
}

}  // namespace lineside::power
