// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/digest.h"

#include "station/base/text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace lineside::media {
namespace {

constexpr std::array<std::string_view, 6> kNames{"md5",    "sha1",   "sha224",
                                                 "sha256", "sha384", "sha512"};

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

std::optional<Digest> Digest::of(std::string_view name) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
        return std::nullopt;
    }
    const EVP_MD* kind = EVP_get_digestbyname(std::string(name).c_str());
    Digest digest;
    digest.context_.reset(EVP_MD_CTX_new());
    if (kind == nullptr || digest.context_ == nullptr ||
        EVP_DigestInit_ex(digest.context_.get(), kind, nullptr) != 1) {
        return std::nullopt;
    }
    digest.hex_digits_ = 2 * static_cast<std::size_t>(EVP_MD_get_size(kind));
    return digest;
}

void Digest::update(std::string_view bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
        throw std::runtime_error("EVP_DigestUpdate");
    }
}

std::string Digest::end() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1 ||
        EVP_DigestInit_ex(context_.get(), nullptr, nullptr) != 1) {
        throw std::runtime_error("EVP_DigestFinal_ex");
    }
    return base::to_hex(std::span(bytes).first(size));
}

}  // namespace lineside::media
