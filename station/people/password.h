// SPDX-License-Identifier: Apache-2.0
// Passwords: what is good enough, and the memory-hard hash of them (Argon2id by libsodium).
// Thread: any; hashing takes a tenth of a second and 64 MiB, so never on the loop.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace lineside::people {

inline constexpr std::size_t kShortestPassword = 10;  // characters, UTF-8
inline constexpr std::size_t kLongestPassword = 256;  // bytes

struct HashCost {
    unsigned long long passes = 2;
    std::size_t memory = std::size_t{64} << 20U;  // bytes
};

// Errors: people.password, saying what is wrong with it; never the password itself.
[[nodiscard]] base::Status check_password(std::string_view account, const base::Secret& password);
// "$argon2id$v=19$m=…"   Errors: station.bug (no memory).
[[nodiscard]] base::Result<std::string> hash_password(const base::Secret& password,
                                                      const HashCost& cost);
// Costs the same whether it fits or not.
[[nodiscard]] bool fits(const std::string& hash, const base::Secret& password);

// 32 bytes by libsodium's generator, as 43 characters of base64url.
[[nodiscard]] base::Secret random_key();
// What a badge holds: "LSB1:" and 16 bytes by libsodium's generator as 26 letters of base32.
[[nodiscard]] base::Secret random_badge();
// 32 bytes; what is kept of a random key.
[[nodiscard]] std::string key_hash(const base::Secret& key);
// So many decimal digits.
[[nodiscard]] std::string random_digits(std::size_t count);

}  // namespace lineside::people
