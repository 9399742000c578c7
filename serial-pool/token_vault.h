// SPDX-License-Identifier: Apache-2.0
// Seals tokens before they reach the database and opens them when a unit needs one. AES-256-GCM
// with a random 96-bit nonce; associated data = serial, batch name and key id, so that a sealed
// token moved to another row does not open. Uniqueness is judged by an HMAC-SHA-256 under a second
// key, because a bare hash of a short token could be guessed. Both keys come from a master key by
// HKDF; master keys lie in the key file (key_ring.h). A vault opens what any key of the file
// sealed; one key seals. The key that judges uniqueness comes from the first master a station had
// and stays for ever; after a rotation the database keeps it, sealed under each later master.
// Sealed form, version 1: 0x01 | key id (8) | nonce (12) | ciphertext | tag (16); associated data
// "lineside token 1" and for serial, batch, key id, and the field's name where it is no token,
// each: NUL, length in decimal, ":", bytes. The uniqueness key is sealed in the same form under
// "lineside mac key 1" and the key id. A copy of a vault is the same vault: who holds one sees a
// rotation. Thread: any.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    // Reads the key file; with `may_create` makes it when it is not there. The last key seals, the
    // first one judges uniqueness, until the database says otherwise (seal_keys.h).
    // Errors: secret.broken (absent, open to others, not a key), disk.full.   Durable: a made key
    // is.
    [[nodiscard]] static base::Result<TokenVault> open(const std::filesystem::path& key_file,
                                                       bool may_create);
    // A vault around keys of 32 bytes; for tests and tools.
    [[nodiscard]] static base::Result<TokenVault> from_master(const base::Secret& master);
    [[nodiscard]] static base::Result<TokenVault> from_masters(
        const std::vector<base::Secret>& masters);

    [[nodiscard]] base::Result<std::string> seal(const base::Secret& token,
                                                 const TokenPlace& place) const;
    // Errors: secret.broken (a key that is not there, another row, changed bytes, unknown version).
    [[nodiscard]] base::Result<base::Secret> open_token(std::string_view sealed,
                                                        const TokenPlace& place) const;
    // 32 bytes that are equal for equal tokens.
    [[nodiscard]] base::Result<std::string> mac(std::string_view token) const;
    // Hex name of the key that seals, told in the sealed form; not secret.
    [[nodiscard]] std::string key_id() const;
    // Hex names of all keys, in the order of the file.
    [[nodiscard]] std::vector<std::string> key_ids() const;

    // Takes in keys the file has got meanwhile, behind the others; none seals yet.
    [[nodiscard]] base::Status read_again(const std::filesystem::path& key_file);
    // From now on `key_id` seals, and the uniqueness key is the one in `mac_key_sealed` (sealed
    // under `key_id`), or, when that is empty, the one of this very master.
    [[nodiscard]] base::Status seal_with(std::string_view key_id, std::string_view mac_key_sealed);
    // The uniqueness key of `from` (as above) sealed under key `to`.
    [[nodiscard]] base::Result<std::string> hand_on_mac_key(std::string_view from,
                                                            std::string_view mac_key_sealed,
                                                            std::string_view to) const;
    // Is something at work (a Bulk) that seals with a key of before the last seal_with?
    [[nodiscard]] bool older_in_use() const;

    struct Keys;  // one state, never changed once made

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
        std::shared_ptr<const Keys> keys_;  // of the moment this was made
        std::unique_ptr<evp_cipher_ctx_st, FreeCipher> cipher_;
        std::unique_ptr<evp_mac_ctx_st, FreeMac> mac_;
        bool mac_ready_ = false;
        std::array<unsigned char, 4092> random_{};  // nonces drawn in advance, 12 bytes each
        std::size_t random_at_ = 4092;
    };

  private:
    struct Shared;
    explicit TokenVault(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    [[nodiscard]] std::shared_ptr<const Keys> keys() const;
    std::shared_ptr<Shared> shared_;
};

}  // namespace lineside::serial_pool
