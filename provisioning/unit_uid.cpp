// SPDX-License-Identifier: Apache-2.0
#include "provisioning/unit_uid.h"

#include <array>
#include <charconv>

namespace lineside::provisioning {
namespace {

template <typename T>
std::optional<T> parse(std::string_view digits, int base) {
    T value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return value;
}

std::uint64_t chip_of(std::string_view digits) {
    if (digits == "21") {
        return 5;
    }
    if (digits == "18") {
        return 6;
    }
    if (digits == "19") {
        return 7;
    }
    return digits == "23" ? 8 : 0;
}

// Five characters of six bits each, the first in the highest bits, are one number of base 36.
std::uint64_t lot_of(std::uint64_t bits) {
    std::uint64_t lot = 0;
    for (int shift = 24; shift >= 0; shift -= 6) {
        lot = lot * 36 + (bits >> static_cast<unsigned>(shift) & 0x3FU);
    }
    return lot;
}

}  // namespace

std::vector<std::uint64_t> linux_uids(std::string_view br_cid) {
    if (br_cid.starts_with("0x") || br_cid.starts_with("0X")) {
        br_cid.remove_prefix(2);
    }
    if (br_cid.size() != 32) {
        return {};
    }
    std::array<std::uint64_t, 4> word{};  // word[3] holds the first eight digits
    for (std::size_t i = 0; i < word.size(); ++i) {
        const auto value = parse<std::uint32_t>(br_cid.substr(i * 8, 8), 16);
        if (!value) {
            return {};
        }
        word[3 - i] = *value;
    }
    const std::uint64_t chip = chip_of(br_cid.substr(4, 2));
    if (chip == 0) {
        return {};
    }
    const std::uint64_t vendor = word[3] & 0xFU;
    const std::uint64_t fab = word[2] >> 26U & 0x3FU;
    const std::uint64_t lot = lot_of((word[2] & 0x3FFFFFFU) << 6U | word[1] >> 26U);
    const std::uint64_t wafer = word[0] >> 24U & 0x3FU;
    const std::uint64_t x = word[0] >> 15U & 0x1FFU;
    const std::uint64_t y = word[0] >> 6U & 0x1FFU;
    const auto uid = [&](std::uint64_t in_wafers_place) {
        return chip << 60U | vendor << 56U | fab << 50U | (lot & 0x3FFFFFFU) << 24U |
               in_wafers_place << 18U | x << 9U | y;
    };
    return {uid(wafer), uid(y & 0x3FU)};
}

std::optional<std::uint64_t> parse_uid(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(first, text.find_last_not_of(kBlank) - first + 1);
    if (text.starts_with("0x") || text.starts_with("0X")) {
        return parse<std::uint64_t>(text.substr(2), 16);
    }
    return parse<std::uint64_t>(text, 10);
}

}  // namespace lineside::provisioning
