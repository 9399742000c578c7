// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/token_vault.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Secret;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kVersion = '\x01';
constexpr std::string_view kFileMark = "lineside-key-1 ";  // then 64 hex digits

tl::unexpected<base::Error> broken(std::string message) {
    return base::fail("secret.broken", std::move(message));
}
tl::unexpected<base::Error> openssl_failed(std::string_view doing) {
    return base::fail("station.bug", fmt::format("OpenSSL failed: {}", doing));
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}
int length(std::string_view text) {
    return static_cast<int>(text.size());
}

Result<std::string> derive(std::string_view master, std::string_view purpose, std::size_t size) {
    const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                           EVP_KDF_free);
    if (!kdf) {
        return openssl_failed("HKDF");
    }
    const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                       EVP_KDF_CTX_free);
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(master.data()),
                                          master.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(purpose.data()),
                                          purpose.size()),
        OSSL_PARAM_construct_end()};
    std::string derived(size, '\0');
    if (!context || EVP_KDF_derive(context.get(), bytes(derived), size, params.data()) != 1) {
        return openssl_failed("HKDF");
    }
    return derived;
}

// Lengths go in, so that no two places give the same bytes.
std::string associated_data(const TokenPlace& place, std::string_view key_id) {
    std::string data = "lineside token 1";
    const auto add = [&data](std::string_view part) {
        data.push_back('\0');
        data += std::to_string(part.size());
        data.push_back(':');
        data += part;
    };
    add(place.serial);
    add(place.batch);
    add(key_id);
    if (!place.field.empty()) {
        add(place.field);
    }
    return data;
}

Result<Secret> read_key_file(const std::filesystem::path& file) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) {
        return base::fail_errno("secret.broken",
                                fmt::format("cannot open the key file {}", file.string()), errno);
    }
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return broken(fmt::format("the key file {} is not a file", file.string()));
    }
    if ((facts.st_mode & 077U) != 0 || (facts.st_uid != ::geteuid() && facts.st_uid != 0)) {
        return broken(fmt::format("the key file {} is open to others; run: chmod 600 {}",
                                  file.string(), file.string()));
    }
    std::array<char, 256> text{};
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    std::string_view content(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    if (content.ends_with('\n')) {
        content.remove_suffix(1);
    }
    const bool marked = content.starts_with(kFileMark);
    auto key = marked ? base::from_hex(content.substr(kFileMark.size())) : std::nullopt;
    OPENSSL_cleanse(text.data(), text.size());
    if (!key || key->size() != kKeyBytes) {
        return broken(fmt::format("{} is not a key file", file.string()));
    }
    Secret master(std::string(key->begin(), key->end()));
    OPENSSL_cleanse(key->data(), key->size());
    return master;
}

base::Status make_key_file(const std::filesystem::path& file) {
    std::array<std::uint8_t, kKeyBytes> key{};
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
        return openssl_failed("random bytes");
    }
    std::string content = std::string(kFileMark) + base::to_hex(key) + "\n";
    auto written = base::replace_file(file, content, 0600);
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(content.data(), content.size());
    return written;
}

}  // namespace

Result<TokenVault> TokenVault::open(const std::filesystem::path& key_file, bool may_create) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(key_file, ignored))) {
        if (!may_create) {
            return broken(fmt::format("there is no key file {}; without it no token can be opened",
                                      key_file.string()));
        }
        if (auto made = make_key_file(key_file); !made) {
            return base::with_context(made.error(), "cannot make the key file");
        }
    }
    auto master = read_key_file(key_file);
    if (!master) {
        return tl::unexpected<base::Error>(master.error());
    }
    return from_master(*master);
}

Result<TokenVault> TokenVault::from_master(const Secret& master) {
    if (master.reveal().size() != kKeyBytes) {
        return broken("a key has 32 bytes");
    }
    auto seal_key = derive(master.reveal(), "lineside token seal 1", kKeyBytes);
    auto mac_key = derive(master.reveal(), "lineside token uniqueness 1", kKeyBytes);
    auto key_id = derive(master.reveal(), "lineside key id 1", kIdBytes);
    for (const auto* each : {&seal_key, &mac_key, &key_id}) {
        if (!*each) {
            return tl::unexpected<base::Error>(each->error());
        }
    }
    TokenVault vault;
    vault.key_id_ = *key_id;
    vault.key_id_hex_ = base::to_hex({bytes(*key_id), key_id->size()});
    vault.seal_key_ = Secret(std::move(*seal_key));
    vault.mac_key_ = Secret(std::move(*mac_key));
    return vault;
}

Result<std::string> TokenVault::seal(const Secret& token, const TokenPlace& place) const {
    return Bulk(*this).seal(token.reveal(), place);
}

Result<std::string> TokenVault::mac(std::string_view token) const {
    return Bulk(*this).mac(token);
}

Result<Secret> TokenVault::open_token(std::string_view sealed, const TokenPlace& place) const {
    constexpr std::size_t kFrame = 1 + kIdBytes + kNonceBytes + kTagBytes;
    if (sealed.size() < kFrame || sealed[0] != kVersion) {
        return broken("a sealed token has an unknown form");
    }
    if (sealed.substr(1, kIdBytes) != key_id_) {
        return broken(fmt::format("a token was sealed with key {}, this station has key {}",
                                  base::to_hex({bytes(sealed) + 1, kIdBytes}), key_id_hex_));
    }
    const std::string_view nonce = sealed.substr(1 + kIdBytes, kNonceBytes);
    const std::string_view body = sealed.substr(1 + kIdBytes + kNonceBytes, sealed.size() - kFrame);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    const std::string extra = associated_data(place, key_id_);
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                             EVP_CIPHER_CTX_free);
    std::string token(body.size() + kTagBytes, '\0');
    int put = 0;
    int last = 0;
    const bool opened =
        context &&
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(seal_key_.reveal()),
                           bytes(nonce)) == 1 &&
        EVP_DecryptUpdate(context.get(), nullptr, &put, bytes(extra), length(extra)) == 1 &&
        EVP_DecryptUpdate(context.get(), bytes(token), &put, bytes(body), length(body)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes),
                            tag.data()) == 1 &&
        EVP_DecryptFinal_ex(context.get(), bytes(token) + put, &last) == 1;
    if (!opened) {
        OPENSSL_cleanse(token.data(), token.size());
        return broken(fmt::format(
            "the sealed token of serial {} does not open: it was changed or moved", place.serial));
    }
    Secret secret(token.substr(0, static_cast<std::size_t>(put) + static_cast<std::size_t>(last)));
    OPENSSL_cleanse(token.data(), token.size());
    return secret;
}

TokenVault::Bulk::Bulk(const TokenVault& vault) : vault_(vault), cipher_(EVP_CIPHER_CTX_new()) {
    if (EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr); hmac != nullptr) {
        mac_.reset(EVP_MAC_CTX_new(hmac));
        EVP_MAC_free(hmac);
    }
    if (cipher_ && EVP_EncryptInit_ex(cipher_.get(), EVP_aes_256_gcm(), nullptr,
                                      bytes(vault_.seal_key_.reveal()), nullptr) != 1) {
        cipher_.reset();
    }
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_end()};
    mac_ready_ = mac_ && EVP_MAC_init(mac_.get(), bytes(vault_.mac_key_.reveal()), kKeyBytes,
                                      params.data()) == 1;
}

TokenVault::Bulk::~Bulk() = default;
void TokenVault::Bulk::FreeCipher::operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
}
void TokenVault::Bulk::FreeMac::operator()(EVP_MAC_CTX* context) const {
    EVP_MAC_CTX_free(context);
}

Result<std::string> TokenVault::Bulk::seal(std::string_view token, const TokenPlace& place) {
    if (random_at_ + kNonceBytes > random_.size()) {
        if (RAND_bytes(random_.data(), static_cast<int>(random_.size())) != 1) {
            return openssl_failed("random bytes");
        }
        random_at_ = 0;
    }
    const unsigned char* nonce = random_.data() + random_at_;
    random_at_ += kNonceBytes;
    std::string sealed;
    sealed.reserve(1 + kIdBytes + kNonceBytes + token.size() + kTagBytes);
    sealed.push_back(kVersion);
    sealed += vault_.key_id_;
    sealed.append(reinterpret_cast<const char*>(nonce), kNonceBytes);
    const std::size_t body = sealed.size();
    sealed.resize(body + token.size() + kTagBytes);
    const std::string extra = associated_data(place, vault_.key_id_);
    int put = 0;
    int last = 0;
    const bool done =
        cipher_ && EVP_EncryptInit_ex(cipher_.get(), nullptr, nullptr, nullptr, nonce) == 1 &&
        EVP_EncryptUpdate(cipher_.get(), nullptr, &put, bytes(extra), length(extra)) == 1 &&
        EVP_EncryptUpdate(cipher_.get(), bytes(sealed) + body, &put, bytes(token), length(token)) ==
            1 &&
        EVP_EncryptFinal_ex(cipher_.get(), bytes(sealed) + body + put, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                            sealed.data() + body + token.size()) == 1;
    if (!done) {
        return openssl_failed("seal");
    }
    return sealed;
}

Result<std::string> TokenVault::Bulk::mac(std::string_view token) {
    std::string digest(32, '\0');
    std::size_t size = 0;
    // Init without a key starts anew under the key of the constructor.
    if (!mac_ready_ || EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 ||
        EVP_MAC_update(mac_.get(), bytes(token), token.size()) != 1 ||
        EVP_MAC_final(mac_.get(), bytes(digest), &size, digest.size()) != 1) {
        return openssl_failed("HMAC");
    }
    return digest;
}

}  // namespace lineside::serial_pool
