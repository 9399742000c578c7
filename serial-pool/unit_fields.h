// SPDX-License-Identifier: Apache-2.0
// What a batch may hold for each unit beside serial and token: name and password of the unit's own
// Wi-Fi access point. The name is sent out by the unit itself, the password is sealed; no complaint
// quotes either, for they may stand in each other's column.
// Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

inline constexpr std::size_t kMaxSsid = 32;        // bytes (IEEE 802.11)
inline constexpr std::size_t kMinApPassword = 8;   // characters of a WPA passphrase
inline constexpr std::size_t kMaxApPassword = 63;  // 64 would be read as a key in hex

// Why the text is no SSID (1 to 32 bytes, no control characters) or no passphrase (8 to 63
// printable ASCII characters), as "the ap_ssid …"; "" when it is one. `text` is UTF-8.
[[nodiscard]] std::string why_no_ssid(std::string_view text);
[[nodiscard]] std::string why_no_ap_password(std::string_view text);

// "Cam-{serial}", "Cam-{serial:-4}" (its last 4 characters), "Cam-{serial:4}" (its first 4).
class SsidTemplate {
  public:
    // Errors: request.invalid (an unknown {…}, a brace alone, no {serial} at all, not UTF-8).
    [[nodiscard]] static base::Result<SsidTemplate> parse(std::string_view text);
    [[nodiscard]] std::string of(std::string_view serial) const;
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    struct Part {
        std::string literal;      // before the serial
        bool serial = false;      // false: the literal at the end
        std::int64_t length = 0;  // 0 = all of it, below 0 = from its end
    };
    std::string text_;
    std::vector<Part> parts_;
};

}  // namespace lineside::serial_pool
