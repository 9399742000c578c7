// SPDX-License-Identifier: Apache-2.0
// A checksum whose name comes out of a file (OpenSSL).   Thread: any, one object by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace lineside::media {

class Digest {
  public:
    // `name` as in a block map: md5, sha1, sha224, sha256, sha384 or sha512. Nothing for another.
    [[nodiscard]] static std::optional<Digest> of(std::string_view name);

    void update(std::string_view bytes);
    // Lower-case hex of all since the last end; begins anew.
    [[nodiscard]] std::string end();
    [[nodiscard]] std::size_t hex_digits() const { return hex_digits_; }

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    Digest() = default;

    std::unique_ptr<evp_md_ctx_st, Free> context_;
    std::size_t hex_digits_ = 0;
};

}  // namespace lineside::media
