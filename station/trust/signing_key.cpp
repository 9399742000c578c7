// SPDX-License-Identifier: Apache-2.0
#include "station/trust/signing_key.h"

#include "station/base/files.h"
#include "station/base/key_file.h"
#include "station/base/text.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>

namespace lineside::trust {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::string_view kPublicBegin = "-----BEGIN PUBLIC KEY-----";

using Pkey = std::shared_ptr<EVP_PKEY>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Pkey owned(EVP_PKEY* key) {
    return {key, EVP_PKEY_free};
}

Bio reading(std::string_view text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::string_view content_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

// A key file with a pass phrase must not stop the service at a prompt.
int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return -1;
}

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

tl::unexpected<base::Error> broken(std::string message) {
    return base::fail("signing.broken", std::move(message));
}

// "" when it is no Ed25519 key.
std::string id_of(const Pkey& key) {
    std::array<std::uint8_t, 32> raw{};
    std::size_t size = raw.size();
    if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size) != 1 || size != raw.size()) {
        return "";
    }
    return base::sha256_hex({reinterpret_cast<const char*>(raw.data()), raw.size()}).substr(0, 16);
}

Pkey new_key() {
    return owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

Status make_key_file(const std::filesystem::path& file) {
    const Pkey key = new_key();
    const Bio out(BIO_new(BIO_s_secmem()), BIO_free);
    if (!key || !out ||
        PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
        return base::fail("station.bug", "OpenSSL failed: a new signing key");
    }
    auto written = base::replace_file(file, content_of(out), 0600);
    if (!written && written.error().code != "disk.full") {
        return broken(
            fmt::format("the signing key {} is not there and cannot be made ({}); set signing_key "
                        "in [station] to a path the station may write, outside its data folder",
                        file.string(), written.error().message));
    }
    return written;
}

}  // namespace

Result<SigningKey> SigningKey::open(const std::filesystem::path& file, bool may_create) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
        if (!may_create) {
            return broken(
                fmt::format("there is no signing key {}; put it back, or make a new one "
                            "on purpose: lineside key make {}",
                            file.string(), file.string()));
        }
        if (auto made = make_key_file(file); !made) {
            return tl::unexpected<base::Error>(made.error());
        }
    }
    auto pem = base::read_key_file(file, kMaxFile, "signing.broken");
    if (!pem) {
        return tl::unexpected<base::Error>(pem.error());
    }
    return of_pem(*pem, file);
}

Result<SigningKey> SigningKey::of_pem(const base::Secret& pem, const std::filesystem::path& file) {
    const Bio in = reading(pem.reveal());
    Pkey key =
        owned(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
    if (id_of(key).empty()) {
        return broken(
            fmt::format("{} is not an Ed25519 private key in PEM without a pass phrase; made by: "
                        "openssl genpkey -algorithm ed25519",
                        file.string()));
    }
    return of(std::move(key));
}

Result<SigningKey> SigningKey::generate() {
    return of(new_key());
}

Result<SigningKey> SigningKey::of(std::shared_ptr<evp_pkey_st> key) {
    SigningKey made;
    made.id_ = id_of(key);
    const Bio out(BIO_new(BIO_s_mem()), BIO_free);
    if (made.id_.empty() || !out || PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) {
        return base::fail("station.bug", "OpenSSL failed: an Ed25519 key");
    }
    made.public_pem_ = content_of(out);
    made.key_ = std::move(key);
    return made;
}

Result<std::string> SigningKey::sign(std::string_view message) const {
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::string signature(kSignatureBytes, '\0');
    std::size_t size = signature.size();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       bytes(message), message.size()) != 1 ||
        size != kSignatureBytes) {
        return base::fail("station.bug", "OpenSSL failed: a signature");
    }
    return signature;
}

Status PublicKeys::add_pem(std::string_view pem, std::string_view name) {
    std::size_t begin = pem.find(kPublicBegin);
    if (begin == std::string_view::npos) {
        return broken(fmt::format("{} holds no public key in PEM", name));
    }
    for (; begin != std::string_view::npos; begin = pem.find(kPublicBegin, begin + 1)) {
        const Bio in = reading(pem.substr(begin));
        Pkey key =
            owned(in ? PEM_read_bio_PUBKEY(in.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
        const std::string id = id_of(key);
        if (id.empty()) {
            return broken(fmt::format("{}: a public key in it is no Ed25519 key", name));
        }
        keys_[id] = std::move(key);
    }
    return {};
}

Status PublicKeys::add_path(const std::filesystem::path& path) {
    std::vector<std::filesystem::path> files{path};
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        files.clear();
        for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
            if (entry.path().extension() == ".pub") {
                files.push_back(entry.path());
            }
        }
        if (files.empty()) {
            return base::fail("config.missing",
                              fmt::format("there is no *.pub file in {}", path.string()));
        }
    }
    for (const auto& file : files) {
        auto pem = base::read_file(file, kMaxFile);
        if (!pem) {
            return tl::unexpected<base::Error>(pem.error());
        }
        if (auto added = add_pem(*pem, file.string()); !added) {
            return added;
        }
    }
    return {};
}

bool PublicKeys::verify(const std::string& id, std::string_view message,
                        std::string_view signature) const {
    const auto key = keys_.find(id);
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    return key != keys_.end() && context && signature.size() == kSignatureBytes &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->second.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                            message.size()) == 1;
}

std::string PublicKeys::ids() const {
    std::string text;
    for (const auto& [id, key] : keys_) {
        text += (text.empty() ? "" : ", ") + id;
    }
    return text;
}

Status publish_key(const std::filesystem::path& folder, const std::string& id,
                   const std::string& public_pem) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const auto file = folder / (id + ".pub");
    if (auto there = base::read_file(file, kMaxFile); there && *there == public_pem) {
        return {};
    }
    return base::replace_file(file, public_pem, 0644);
}

}  // namespace lineside::trust
