// SPDX-License-Identifier: Apache-2.0
// Seals tokens before they reach the database and opens them when a unit needs one. AES-256-GCM
// with a random 96-bit nonce; associated data = serial, batch name and key id, so that a sealed
// token moved to another row does not open. Uniqueness is judged by an HMAC-SHA-256 under a second
// key, because a bare hash of a short token could be guessed. Both keys come from one master key by
// HKDF. The master key is a 0600 file outside the data folder (or a systemd credential), made once.
// Sealed form, version 1: 0x01 | key id (8) | nonce (12) | ciphertext | tag (16); associated data
// "lineside token 1" and for serial, batch, key id, and the field's name where it is no token,
// each: NUL, length in decimal, ":", bytes. Thread: const functions from any thread.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace lineside::serial_pool {

// The row a token belongs to.
struct TokenPlace {
    std::string_view serial;   // as written in the batch
    std::string_view batch;    // its name
    std::string_view field{};  // "" = the token itself, or ap_password
};

class TokenVault {
  public:
    // Reads the key file; with `may_create` makes it when it is not there.
    // Errors: secret.broken (absent, open to others, not a key), disk.full.   Durable: a made key
    // is.
    [[nodiscard]] static base::Result<TokenVault> open(const std::filesystem::path& key_file,
                                                       bool may_create);
    // A vault around 32 bytes; for tests and tools.
    [[nodiscard]] static base::Result<TokenVault> from_master(const base::Secret& master);

    [[nodiscard]] base::Result<std::string> seal(const base::Secret& token,
                                                 const TokenPlace& place) const;
    // Errors: secret.broken (another key, another row, changed bytes, unknown version).
    [[nodiscard]] base::Result<base::Secret> open_token(std::string_view sealed,
                                                        const TokenPlace& place) const;
    // 32 bytes that are equal for equal tokens.
    [[nodiscard]] base::Result<std::string> mac(std::string_view token) const;
    // Hex name of the key, told in the sealed form; not secret.
    [[nodiscard]] const std::string& key_id() const { return key_id_hex_; }

    // For many tokens in a row: keeps the cipher's state between calls. One thread each.
    class Bulk {
      public:
        explicit Bulk(const TokenVault& vault);
        ~Bulk();
        Bulk(const Bulk&) = delete;
        Bulk& operator=(const Bulk&) = delete;
        [[nodiscard]] base::Result<std::string> seal(std::string_view token,
                                                     const TokenPlace& place);
        [[nodiscard]] base::Result<std::string> mac(std::string_view token);

      private:
        struct FreeCipher {
            void operator()(evp_cipher_ctx_st* context) const;
        };
        struct FreeMac {
            void operator()(evp_mac_ctx_st* context) const;
        };
        const TokenVault& vault_;
        std::unique_ptr<evp_cipher_ctx_st, FreeCipher> cipher_;
        std::unique_ptr<evp_mac_ctx_st, FreeMac> mac_;
        bool mac_ready_ = false;
        std::array<unsigned char, 4092> random_{};  // nonces drawn in advance, 12 bytes each
        std::size_t random_at_ = 4092;
    };

  private:
    TokenVault() = default;
    base::Secret seal_key_;
    base::Secret mac_key_;
    std::string key_id_;  // 8 bytes
    std::string key_id_hex_;
};

}  // namespace lineside::serial_pool
