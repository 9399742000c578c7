// SPDX-License-Identifier: Apache-2.0
#include "identity.h"

#include <cstdio>

namespace line {

std::mt19937_64 dice(std::uint64_t seed, int board, const std::string& salt) {
    std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a, then mixed by seed_seq
    for (const char c : salt) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                           static_cast<std::uint32_t>(board), static_cast<std::uint32_t>(hash),
                           static_cast<std::uint32_t>(hash >> 32)};
    return std::mt19937_64(sequence);
}

std::string make_br_cid(std::uint64_t seed, int board) {
    auto roll = dice(seed, 0, "lot");
    std::uint32_t lot0 = 0;  // five base-36 digits of six bits
    for (int i = 0; i < 5; i++) {
        lot0 = lot0 << 6 | static_cast<std::uint32_t>(roll() % 36);
    }
    constexpr std::uint32_t kFab = 0x19;
    const std::uint32_t lot1 = static_cast<std::uint32_t>(roll()) & 0xfffffff;
    const std::uint32_t wafer = static_cast<std::uint32_t>(roll() % 25) + 1;
    // Neighbours on one wafer: never the same place twice.
    const auto place = static_cast<std::uint32_t>(board);
    const std::uint32_t x = (place % 24) + 5;
    const std::uint32_t y = (place / 24) + 8;
    const std::uint32_t w3 = 0x88021911;
    const std::uint32_t w2 = kFab << 26 | lot0 >> 6;
    const std::uint32_t w1 = (lot0 & 0x3f) << 26 | lot1 >> 2;
    const std::uint32_t w0 = (lot1 & 3) << 30 | wafer << 24 | x << 15 | y << 6;
    char text[40];
    std::snprintf(text, sizeof text, "0x%08x%08x%08x%08x", w3, w2, w1, w0);
    return text;
}

std::array<std::uint8_t, 16> br_cid_bytes(const std::string& br_cid) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 16; i++) {
        bytes[15 - i] =
            static_cast<std::uint8_t>(std::stoul(br_cid.substr(2 + 2 * i, 2), nullptr, 16));
    }
    return bytes;
}

std::string linux_uid(const std::string& br_cid) {
    const auto word = [&](std::size_t which) {
        return std::stoul(br_cid.substr(2 + 8 * (3 - which), 8), nullptr, 16);
    };
    const auto family = br_cid.substr(6, 2);
    const std::uint64_t chip = family == "21" ? 5 : family == "18" ? 6 : family == "23" ? 8 : 7;
    const std::uint64_t lot0 = ((word(2) & 0x3ffffff) << 6 | word(1) >> 26) & 0xffffffff;
    std::uint64_t lot = 0;
    for (unsigned shift = 24;; shift -= 6) {
        lot = lot * 36 + (lot0 >> shift & 0x3f);
        if (shift == 0) {
            break;
        }
    }
    const std::uint64_t uid = chip << 60 | (word(3) & 0xf) << 56 | (word(2) >> 26) << 50 |
                              (lot & 0x3ffffff) << 24 | (word(0) >> 24 & 0x3f) << 18 |
                              (word(0) >> 15 & 0x1ff) << 9 | (word(0) >> 6 & 0x1ff);
    char text[24];
    std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(uid));
    return text;
}

std::string make_module_serial(std::uint64_t seed, int board) {
    char text[24];
    std::snprintf(text, sizeof text, "1424%05llu%04d",
                  static_cast<unsigned long long>(seed % 100000), board);
    return text;
}

}  // namespace line
