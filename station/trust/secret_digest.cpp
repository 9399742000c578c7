// SPDX-License-Identifier: Apache-2.0
#include "station/trust/secret_digest.h"

#include "station/base/text.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace lineside::trust {

constexpr int kRounds = 50'000;

base::Result<std::string> secret_digest(std::string_view purpose, std::string_view name,
                                        const base::Secret& secret) {
    const std::string salt = fmt::format("{} {}", purpose, name);
    const std::string_view text = secret.reveal();
    std::array<unsigned char, 32> out{};
    if (PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()),
                          static_cast<int>(salt.size()), kRounds, EVP_sha256(),
                          static_cast<int>(out.size()), out.data()) != 1) {
        return base::fail("station.bug", "No digest of a secret could be made");
    }
    return base::to_hex(out);
}

}  // namespace lineside::trust
