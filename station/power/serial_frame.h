// SPDX-License-Identifier: Apache-2.0
// Speed and frame of a serial line as termios wants them, and bytes written as hex.
// Thread: any (pure).
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <string_view>

namespace lineside::power {

struct SerialFormat {
    speed_t speed = B9600;
    tcflag_t flags = CS8;
};

// 1200 to 115200; "8N1": 7 or 8 bits, parity N, E or O, 1 or 2 stop bits. Nothing for any other.
[[nodiscard]] std::optional<SerialFormat> serial_format(int baud, std::string_view frame);

// "A0 01 01 A2", "a00101a2". Nothing for what is not pairs of hex digits.
[[nodiscard]] std::optional<std::string> bytes_of_hex(std::string_view text);

}  // namespace lineside::power
