// SPDX-License-Identifier: Apache-2.0
// The station's signing key and the public keys of those who check: Ed25519 by OpenSSL. The private
// key is a 0600 PEM file (PKCS #8) outside the data folder, so that a copy of the records does not
// carry what signs them. A key's id is the first 16 hex digits of the SHA-256 of its 32 raw public
// bytes.
// Thread: const functions from any thread.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace lineside::trust {

class SigningKey {
  public:
    // Reads the key file; with `may_create` makes it when it is not there.
    // Errors: signing.broken (absent, open to others, no Ed25519 key, folder not writable),
    // disk.full.   Durable: a made key is.
    [[nodiscard]] static base::Result<SigningKey> open(const std::filesystem::path& file,
                                                       bool may_create);
    // The same of what was read of `file`, for who looks at another user's.   Errors:
    // signing.broken.
    [[nodiscard]] static base::Result<SigningKey> of_pem(const base::Secret& pem,
                                                         const std::filesystem::path& file);
    // A key that lives in memory alone; for tests.
    [[nodiscard]] static base::Result<SigningKey> generate();

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const std::string& public_pem() const { return public_pem_; }
    // 64 bytes.   Errors: station.bug.
    [[nodiscard]] base::Result<std::string> sign(std::string_view message) const;

  private:
    [[nodiscard]] static base::Result<SigningKey> of(std::shared_ptr<evp_pkey_st> key);
    std::shared_ptr<evp_pkey_st> key_;
    std::string id_;
    std::string public_pem_;
};

// Public keys by id.
class PublicKeys {
  public:
    // All "PUBLIC KEY" blocks of a PEM text.
    // Errors: signing.broken (none there, one that is no Ed25519 key); `name` is told.
    [[nodiscard]] base::Status add_pem(std::string_view pem, std::string_view name);
    // A PEM file, or a folder with *.pub files.   Errors: config.missing, signing.broken.
    [[nodiscard]] base::Status add_path(const std::filesystem::path& path);

    [[nodiscard]] bool knows(const std::string& id) const { return keys_.contains(id); }
    [[nodiscard]] bool empty() const { return keys_.empty(); }
    // False for an unknown key, too.
    [[nodiscard]] bool verify(const std::string& id, std::string_view message,
                              std::string_view signature) const;
    [[nodiscard]] std::string ids() const;  // "a, b": for messages

  private:
    std::map<std::string, std::shared_ptr<evp_pkey_st>> keys_;
};

// Puts `<id>.pub` into `folder`, readable for all; one that is there stays.   Durable: yes.
[[nodiscard]] base::Status publish_key(const std::filesystem::path& folder, const std::string& id,
                                       const std::string& public_pem);

}  // namespace lineside::trust
