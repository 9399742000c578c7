// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/token_vault.h"

#include "serial-pool/key_ring.h"
#include "station/base/text.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <mutex>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Secret;

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kFrame = 1 + kIdBytes + kNonceBytes + kTagBytes;
constexpr char kVersion = '\x01';

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

}  // namespace

struct TokenVault::Keys {
    struct One {
        std::string id;  // 8 bytes
        std::string hex;
        Secret seal;
        Secret mac;  // the uniqueness key that would come from this master
    };
    std::vector<One> ring;
    std::size_t sealing = 0;
    Secret mac;

    [[nodiscard]] const One& current() const { return ring[sealing]; }
    [[nodiscard]] const One* find(std::string_view id) const {
        const auto found = std::find_if(ring.begin(), ring.end(), [&](const One& each) {
            return each.id == id || each.hex == id;
        });
        return found == ring.end() ? nullptr : &*found;
    }
    static Result<One> from(const Secret& master) {
        if (master.reveal().size() != kKeyBytes) {
            return broken("a key has 32 bytes");
        }
        auto seal = derive_key(master.reveal(), "lineside token seal 1", kKeyBytes);
        auto mac = derive_key(master.reveal(), "lineside token uniqueness 1", kKeyBytes);
        auto id = key_id_of(master);
        for (const auto* each : {&seal, &mac, &id}) {
            if (!*each) {
                return tl::unexpected<base::Error>(each->error());
            }
        }
        return One{*id, base::to_hex({bytes(*id), id->size()}), Secret(std::move(*seal)),
                   Secret(std::move(*mac))};
    }
};

struct TokenVault::Shared {
    mutable std::mutex mutex;
    std::shared_ptr<const Keys> now;
    std::vector<std::weak_ptr<const Keys>> before;

    void replace(std::shared_ptr<const Keys> with) {
        before.emplace_back(now);
        now = std::move(with);
    }
};

namespace {

tl::unexpected<base::Error> unknown_key(std::string_view need,
                                        const std::vector<TokenVault::Keys::One>& have) {
    std::string names;
    for (const auto& each : have) {
        names += (names.empty() ? "" : ", ") + each.hex;
    }
    return broken(
        fmt::format("a token was sealed with key {}, this station has key {}", need, names));
}

std::string mac_key_data(std::string_view key_id) {
    return "lineside mac key 1" + std::string(key_id);
}

// The frame of a sealed form, opened with the key it names.
Result<Secret> open_frame(const TokenVault::Keys::One& key, std::string_view sealed,
                          const std::string& extra, const std::string& what) {
    const std::string_view nonce = sealed.substr(1 + kIdBytes, kNonceBytes);
    const std::string_view body = sealed.substr(1 + kIdBytes + kNonceBytes, sealed.size() - kFrame);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                             EVP_CIPHER_CTX_free);
    std::string token(body.size() + kTagBytes, '\0');
    int put = 0;
    int last = 0;
    const bool opened =
        context &&
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key.seal.reveal()),
                           bytes(nonce)) == 1 &&
        EVP_DecryptUpdate(context.get(), nullptr, &put, bytes(extra), length(extra)) == 1 &&
        EVP_DecryptUpdate(context.get(), bytes(token), &put, bytes(body), length(body)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes),
                            tag.data()) == 1 &&
        EVP_DecryptFinal_ex(context.get(), bytes(token) + put, &last) == 1;
    if (!opened) {
        OPENSSL_cleanse(token.data(), token.size());
        return broken(fmt::format("{} does not open: it was changed or moved", what));
    }
    Secret secret(token.substr(0, static_cast<std::size_t>(put) + static_cast<std::size_t>(last)));
    OPENSSL_cleanse(token.data(), token.size());
    return secret;
}

Result<std::string> seal_frame(EVP_CIPHER_CTX* cipher, std::string_view key_id,
                               const unsigned char* nonce, std::string_view plain,
                               const std::string& extra) {
    std::string sealed;
    sealed.reserve(kFrame + plain.size());
    sealed.push_back(kVersion);
    sealed += key_id;
    sealed.append(reinterpret_cast<const char*>(nonce), kNonceBytes);
    const std::size_t body = sealed.size();
    sealed.resize(body + plain.size() + kTagBytes);
    int put = 0;
    int last = 0;
    const bool done =
        cipher != nullptr && EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce) == 1 &&
        EVP_EncryptUpdate(cipher, nullptr, &put, bytes(extra), length(extra)) == 1 &&
        EVP_EncryptUpdate(cipher, bytes(sealed) + body, &put, bytes(plain), length(plain)) == 1 &&
        EVP_EncryptFinal_ex(cipher, bytes(sealed) + body + put, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                            sealed.data() + body + plain.size()) == 1;
    if (!done) {
        return openssl_failed("seal");
    }
    return sealed;
}

// The uniqueness key that goes with a key: its own, or the one sealed under it.
Result<Secret> mac_key_of(const TokenVault::Keys::One& key, std::string_view sealed) {
    if (sealed.empty()) {
        return key.mac;
    }
    if (sealed.size() != kFrame + kKeyBytes || sealed[0] != kVersion ||
        sealed.substr(1, kIdBytes) != key.id) {
        return broken(
            fmt::format("the uniqueness key sealed under key {} has an unknown form", key.hex));
    }
    return open_frame(key, sealed, mac_key_data(key.id),
                      fmt::format("the uniqueness key sealed under key {}", key.hex));
}

}  // namespace

Result<TokenVault> TokenVault::open(const std::filesystem::path& key_file, bool may_create) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(key_file, ignored))) {
        if (!may_create) {
            return broken(fmt::format("there is no key file {}; without it no token can be opened",
                                      key_file.string()));
        }
        if (auto made = make_key_ring(key_file); !made) {
            return base::with_context(made.error(), "cannot make the key file");
        }
    }
    auto masters = read_key_ring(key_file);
    return masters ? from_masters(*masters) : tl::unexpected<base::Error>(masters.error());
}

Result<TokenVault> TokenVault::from_master(const Secret& master) {
    return from_masters({master});
}

Result<TokenVault> TokenVault::from_masters(const std::vector<Secret>& masters) {
    auto keys = std::make_shared<Keys>();
    for (const Secret& master : masters) {
        auto one = Keys::from(master);
        if (!one) {
            return tl::unexpected<base::Error>(one.error());
        }
        keys->ring.push_back(std::move(*one));
    }
    if (keys->ring.empty()) {
        return broken("there is no key");
    }
    keys->sealing = keys->ring.size() - 1;
    keys->mac = keys->ring.front().mac;
    auto shared = std::make_shared<Shared>();
    shared->now = std::move(keys);
    return TokenVault(std::move(shared));
}

std::shared_ptr<const TokenVault::Keys> TokenVault::keys() const {
    const std::lock_guard hold(shared_->mutex);
    return shared_->now;
}

std::string TokenVault::key_id() const {
    return keys()->current().hex;
}

std::vector<std::string> TokenVault::key_ids() const {
    std::vector<std::string> ids;
    for (const Keys::One& each : keys()->ring) {
        ids.push_back(each.hex);
    }
    return ids;
}

base::Status TokenVault::read_again(const std::filesystem::path& key_file) {
    auto masters = read_key_ring(key_file);
    if (!masters) {
        return tl::unexpected<base::Error>(masters.error());
    }
    const std::lock_guard hold(shared_->mutex);
    auto keys = std::make_shared<Keys>(*shared_->now);
    for (const Secret& master : *masters) {
        auto one = Keys::from(master);
        if (!one) {
            return tl::unexpected<base::Error>(one.error());
        }
        if (keys->find(one->id) == nullptr) {
            keys->ring.push_back(std::move(*one));
        }
    }
    if (keys->ring.size() != shared_->now->ring.size()) {
        shared_->replace(std::move(keys));
    }
    return {};
}

base::Status TokenVault::seal_with(std::string_view key_id, std::string_view mac_key_sealed) {
    const std::lock_guard hold(shared_->mutex);
    auto keys = std::make_shared<Keys>(*shared_->now);
    const Keys::One* key = keys->find(key_id);
    if (key == nullptr) {
        return unknown_key(key_id, keys->ring);
    }
    auto mac = mac_key_of(*key, mac_key_sealed);
    if (!mac) {
        return tl::unexpected<base::Error>(mac.error());
    }
    keys->sealing = static_cast<std::size_t>(key - keys->ring.data());
    keys->mac = std::move(*mac);
    shared_->replace(std::move(keys));
    return {};
}

Result<std::string> TokenVault::hand_on_mac_key(std::string_view from,
                                                std::string_view mac_key_sealed,
                                                std::string_view to) const {
    const auto keys = this->keys();
    const Keys::One* old_key = keys->find(from);
    const Keys::One* new_key = keys->find(to);
    if (old_key == nullptr || new_key == nullptr) {
        return unknown_key(old_key == nullptr ? from : to, keys->ring);
    }
    auto mac = mac_key_of(*old_key, mac_key_sealed);
    if (!mac) {
        return tl::unexpected<base::Error>(mac.error());
    }
    std::array<unsigned char, kNonceBytes> nonce{};
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher(EVP_CIPHER_CTX_new(),
                                                                            EVP_CIPHER_CTX_free);
    if (!cipher || RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1 ||
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(new_key->seal.reveal()),
                           nullptr) != 1) {
        return openssl_failed("seal");
    }
    return seal_frame(cipher.get(), new_key->id, nonce.data(), mac->reveal(),
                      mac_key_data(new_key->id));
}

bool TokenVault::older_in_use() const {
    const std::lock_guard hold(shared_->mutex);
    return std::any_of(shared_->before.begin(), shared_->before.end(), [&](const auto& each) {
        const auto used = each.lock();
        return used && used->current().id != shared_->now->current().id;
    });
}

Result<std::string> TokenVault::seal(const Secret& token, const TokenPlace& place) const {
    return Bulk(*this).seal(token.reveal(), place);
}

Result<std::string> TokenVault::mac(std::string_view token) const {
    return Bulk(*this).mac(token);
}

Result<Secret> TokenVault::open_token(std::string_view sealed, const TokenPlace& place) const {
    if (sealed.size() < kFrame || sealed[0] != kVersion) {
        return broken("a sealed token has an unknown form");
    }
    const auto keys = this->keys();
    const Keys::One* key = keys->find(sealed.substr(1, kIdBytes));
    if (key == nullptr) {
        return unknown_key(base::to_hex({bytes(sealed) + 1, kIdBytes}), keys->ring);
    }
    return open_frame(*key, sealed, associated_data(place, key->id),
                      fmt::format("the sealed token of serial {}", place.serial));
}

TokenVault::Bulk::Bulk(const TokenVault& vault)
    : keys_(vault.keys()), cipher_(EVP_CIPHER_CTX_new()) {
    if (EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr); hmac != nullptr) {
        mac_.reset(EVP_MAC_CTX_new(hmac));
        EVP_MAC_free(hmac);
    }
    if (cipher_ && EVP_EncryptInit_ex(cipher_.get(), EVP_aes_256_gcm(), nullptr,
                                      bytes(keys_->current().seal.reveal()), nullptr) != 1) {
        cipher_.reset();
    }
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_end()};
    mac_ready_ =
        mac_ && EVP_MAC_init(mac_.get(), bytes(keys_->mac.reveal()), kKeyBytes, params.data()) == 1;
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
    const std::string& id = keys_->current().id;
    return seal_frame(cipher_.get(), id, nonce, token, associated_data(place, id));
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
