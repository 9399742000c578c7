// SPDX-License-Identifier: Apache-2.0
// What a serial and a token may look like, and why a text is none. No answer quotes the text: it
// may be a token in the wrong column.   Thread: any (pure).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lineside::serial_pool {

inline constexpr std::size_t kMaxSerial = 64;
inline constexpr std::size_t kMaxToken = 4096;

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}
[[nodiscard]] bool is_serial(std::string_view text);
// 1 to 4096 printable ASCII characters without blanks.
[[nodiscard]] bool is_token(std::string_view text);

// In words for a complaint; empty when it is one. `separator` is that of the file, NUL when none
// was seen.
[[nodiscard]] std::string why_no_serial(std::string_view text, char separator);
[[nodiscard]] std::string why_no_token(std::string_view text);
// A separator as it is written in a complaint: ',' or tab.
[[nodiscard]] std::string shown(char separator);

}  // namespace lineside::serial_pool
