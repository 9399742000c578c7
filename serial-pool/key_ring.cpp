// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/key_ring.h"

#include "station/base/crash_point.h"
#include "station/base/files.h"
#include "station/base/key_file.h"
#include "station/base/text.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Secret;
using base::Status;

constexpr std::string_view kLineMark = "lineside-key-1 ";  // then 64 hex digits
constexpr std::size_t kLine = 15 + 2 * kKeyBytes + 1;
constexpr std::size_t kMostKeys = 16;

tl::unexpected<base::Error> no_key_file(const std::filesystem::path& file) {
    return base::fail("secret.broken", fmt::format("{} is not a key file", file.string()));
}

void wipe(std::string& text) {
    OPENSSL_cleanse(text.data(), text.size());
}

Status write_ring(const std::filesystem::path& file, const std::vector<Secret>& masters) {
    std::string content;
    content.reserve(masters.size() * kLine);
    for (const Secret& master : masters) {
        std::string hex = base::to_hex(
            {reinterpret_cast<const std::uint8_t*>(master.reveal().data()), kKeyBytes});
        content += kLineMark;
        content += hex;
        content += '\n';
        wipe(hex);
    }
    auto written = base::replace_file(file, content, 0600);
    wipe(content);
    return written;
}

Result<Secret> fresh_master() {
    std::string key(kKeyBytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) !=
        1) {
        return base::fail("station.bug", "OpenSSL failed: random bytes");
    }
    return Secret(std::move(key));
}

std::string hex_id(const Secret& master) {
    const auto id = key_id_of(master);
    return id ? base::to_hex({reinterpret_cast<const std::uint8_t*>(id->data()), id->size()})
              : std::string();
}

Status refuse_unwritable(const std::filesystem::path& file) {
    return can_write_key_ring(file)
               ? Status()
               : base::fail("request.refused",
                            fmt::format("{} cannot be written by this user", file.string()));
}

}  // namespace

Result<std::string> derive_key(std::string_view master, std::string_view purpose,
                               std::size_t size) {
    const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                           EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(
        kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr, EVP_KDF_CTX_free);
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(master.data()),
                                          master.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(purpose.data()),
                                          purpose.size()),
        OSSL_PARAM_construct_end()};
    std::string derived(size, '\0');
    if (!context || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(derived.data()),
                                   size, params.data()) != 1) {
        return base::fail("station.bug", "OpenSSL failed: HKDF");
    }
    return derived;
}

Result<std::string> key_id_of(const Secret& master) {
    return derive_key(master.reveal(), "lineside key id 1", 8);
}

Result<std::vector<Secret>> read_key_ring(const std::filesystem::path& file) {
    auto content = base::read_key_file(file, kMostKeys * kLine, "secret.broken");
    return content ? key_ring_of(*content, file) : tl::unexpected<base::Error>(content.error());
}

Result<std::vector<Secret>> key_ring_of(const Secret& content, const std::filesystem::path& file) {
    std::string_view rest = content.reveal();
    std::vector<Secret> masters;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        auto key = line.starts_with(kLineMark) ? base::from_hex(line.substr(kLineMark.size()))
                                               : std::nullopt;
        if (!key || key->size() != kKeyBytes) {
            return no_key_file(file);
        }
        masters.emplace_back(std::string(key->begin(), key->end()));
        OPENSSL_cleanse(key->data(), key->size());
    }
    if (masters.empty()) {
        return no_key_file(file);
    }
    return masters;
}

Status make_key_ring(const std::filesystem::path& file) {
    auto master = fresh_master();
    if (!master) {
        return tl::unexpected<base::Error>(master.error());
    }
    return write_ring(file, {*master});
}

Status append_key(const std::filesystem::path& file) {
    if (auto writable = refuse_unwritable(file); !writable) {
        return writable;
    }
    auto masters = read_key_ring(file);
    auto master = fresh_master();
    if (!masters || !master) {
        return tl::unexpected<base::Error>((masters ? master.error() : masters.error()));
    }
    if (masters->size() == kMostKeys) {
        return base::fail("request.refused",
                          fmt::format("{} holds {} keys already", file.string(), kMostKeys));
    }
    masters->push_back(std::move(*master));
    return write_ring(file, *masters);
}

Status drop_keys(const std::filesystem::path& file, const std::set<std::string>& key_ids) {
    if (auto writable = refuse_unwritable(file); !writable) {
        return writable;
    }
    auto masters = read_key_ring(file);
    if (!masters) {
        return tl::unexpected<base::Error>(masters.error());
    }
    const std::size_t had = masters->size();
    const Secret last = masters->back();
    masters->pop_back();
    std::erase_if(*masters, [&](const Secret& each) { return key_ids.contains(hex_id(each)); });
    masters->push_back(last);
    return masters->size() == had ? Status() : write_ring(file, *masters);
}

bool can_write_key_ring(const std::filesystem::path& file) {
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    return ::access(file.c_str(), W_OK) == 0 && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

}  // namespace lineside::serial_pool
