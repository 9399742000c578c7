// SPDX-License-Identifier: Apache-2.0
// Who the boards are: chip ids as the boot ROM tells them (BR_CID), the kernel's number made of the
// same fuses, and module serials. All from the seed and the board's number, so a line with the same
// seed has the same boards.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>

namespace line {

// One stream of dice per purpose; `salt` names the purpose.
std::mt19937_64 dice(std::uint64_t seed, int board, const std::string& salt);

// "0x" and 32 hex digits of an unfused T194, different for every board of a line.
std::string make_br_cid(std::uint64_t seed, int board);
// The 16 bytes of the first bulk IN, which are printed last byte first.
std::array<std::uint8_t, 16> br_cid_bytes(const std::string& br_cid);
// What the unit's kernel shows as ecid, "0x" and 16 digits.  Source: formula in README.md.
std::string linux_uid(const std::string& br_cid);
// 13 digits, as on the module's label.
std::string make_module_serial(std::uint64_t seed, int board);

}  // namespace line
