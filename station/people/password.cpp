// SPDX-License-Identifier: Apache-2.0
#include "station/people/password.h"

#include "station/base/text.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>

namespace lineside::people {
namespace {

void begin() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (sodium_init() < 0) {
            std::abort();  // no randomness: nothing of ours may go on
        }
    });
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

base::Status check_password(std::string_view account, const base::Secret& password) {
    const std::string_view text = password.reveal();
    const auto wrong = [](std::string why) {
        return base::fail("people.password", std::move(why));
    };
    if (characters(text) < kShortestPassword) {
        return wrong(fmt::format("A password has at least {} characters", kShortestPassword));
    }
    if (text.size() > kLongestPassword) {
        return wrong(fmt::format("A password has at most {} bytes", kLongestPassword));
    }
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        return wrong("A password has no control characters");
    }
    std::string different(text);
    std::sort(different.begin(), different.end());
    different.erase(std::unique(different.begin(), different.end()), different.end());
    if (different.size() < 5) {
        return wrong("A password has at least 5 different characters");
    }
    const std::string name = base::to_lower_ascii(account);
    if (name.size() >= 3 && base::to_lower_ascii(text).find(name) != std::string::npos) {
        return wrong("A password does not hold the name of its account");
    }
    return {};
}

base::Result<std::string> hash_password(const base::Secret& password, const HashCost& cost) {
    begin();
    std::array<char, crypto_pwhash_STRBYTES> text{};
    const std::string_view plain = password.reveal();
    if (crypto_pwhash_str_alg(text.data(), plain.data(), plain.size(), cost.passes, cost.memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return base::fail("station.bug", "No memory to hash a password");
    }
    return std::string(text.data());
}

bool fits(const std::string& hash, const base::Secret& password) {
    begin();
    const std::string_view plain = password.reveal();
    return crypto_pwhash_str_verify(hash.c_str(), plain.data(), plain.size()) == 0;
}

base::Secret random_key() {
    begin();
    std::array<unsigned char, 32> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    std::string text(
        sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    text.pop_back();  // the NUL
    sodium_memzero(bytes.data(), bytes.size());
    return base::Secret(std::move(text));
}

base::Secret random_badge() {
    begin();
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::array<unsigned char, 16> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    std::string text = "LSB1:";
    unsigned held = 0;
    int bits = 0;
    for (const unsigned char byte : bytes) {
        held = (held << 8U) | byte;
        for (bits += 8; bits >= 5; bits -= 5) {
            text += kLetters[(held >> static_cast<unsigned>(bits - 5)) & 31U];
        }
    }
    text += kLetters[(held << static_cast<unsigned>(5 - bits)) & 31U];
    sodium_memzero(bytes.data(), bytes.size());
    return base::Secret(std::move(text));
}

std::string key_hash(const base::Secret& key) {
    const std::string_view text = key.reveal();
    std::string hash(crypto_hash_sha256_BYTES, '\0');
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return hash;
}

std::string random_digits(std::size_t count) {
    begin();
    std::string digits;
    while (digits.size() < count) {
        digits.push_back(static_cast<char>('0' + randombytes_uniform(10)));
    }
    return digits;
}

}  // namespace lineside::people
