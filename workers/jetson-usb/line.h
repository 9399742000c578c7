// SPDX-License-Identifier: Apache-2.0
// A line of tool output as the tables want it. Thread: any (pure).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lineside::jetson_usb {

// Without colour codes and other escape sequences, without NUL and other control characters: what
// is left of it on a terminal.
[[nodiscard]] std::string cleaned(std::string_view line);

// Without its time stamps "[   12.3456 ] ", which may be doubled, stale or missing, and without
// the blanks around it.
[[nodiscard]] std::string_view without_stamps(std::string_view line);

// Seconds of its first stamp. Each stamp of tegraflash is the time at which the line before ended.
[[nodiscard]] std::optional<double> stamp_of(std::string_view line);

// "[.....      ] 047%": 47. Nothing where the line is no progress bar. Takes lines without stamps.
[[nodiscard]] std::optional<int> bar_percent(std::string_view line);

// At most `limit` bytes of it as UTF-8: bytes that are no letters of ASCII become '?'.
[[nodiscard]] std::string printable(std::string_view line, std::size_t limit = 200);

}  // namespace lineside::jetson_usb
