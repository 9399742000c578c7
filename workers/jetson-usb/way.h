// SPDX-License-Identifier: Apache-2.0
// The four ways in which NVIDIA's tools are driven. The profile chooses; the letters are those of
// the method's README. Thread: any (constant data).
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace lineside::jetson_usb {

enum class Way {
    flash,       // a: flash.sh -r of a BSP tree
    massflash,   // b: nvaflash.sh of an R32 mass-flash package
    initrd,      // c: l4t_initrd_flash_internal.sh of R35 and later
    tegraflash,  // d: initrd-flash or doflash.sh of a meta-tegra package
};

inline constexpr std::array kWays{Way::flash, Way::massflash, Way::initrd, Way::tegraflash};

[[nodiscard]] constexpr std::string_view way_name(Way way) {
    constexpr std::array<std::string_view, 4> kNames{"flash", "massflash", "initrd", "tegraflash"};
    return kNames[static_cast<std::size_t>(way)];
}

// By its name or its letter.
[[nodiscard]] constexpr std::optional<Way> way_of(std::string_view text) {
    for (const Way way : kWays) {
        const char letter = static_cast<char>('a' + static_cast<int>(way));
        if (text == way_name(way) || (text.size() == 1 && text.front() == letter)) {
            return way;
        }
    }
    return std::nullopt;
}

}  // namespace lineside::jetson_usb
