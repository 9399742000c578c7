// SPDX-License-Identifier: Apache-2.0
// Small text and digest helpers used in many layers.
// Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct evp_md_ctx_st;

namespace lineside::base {

[[nodiscard]] std::string_view trim_blanks(std::string_view text);  // spaces and tabs only
[[nodiscard]] std::string to_lower_ascii(std::string_view text);
// The parts are views into `text`: a temporary string is refused, its parts would dangle.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
template <class Temporary>
requires std::same_as<Temporary, std::string> std::vector<std::string_view> split(Temporary&& text,
                                                                                  char separator)
= delete;
[[nodiscard]] bool is_hex64(std::string_view text);  // 64 lower-case hex digits
[[nodiscard]] bool is_name(std::string_view text);   // [a-z0-9][a-z0-9-]{0,31}

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);
[[nodiscard]] std::string to_base64(std::string_view bytes);

// Whole number in decimal, nothing before or after it.
[[nodiscard]] std::optional<std::int64_t> to_int(std::string_view text);

// The nearest of `candidates` to `text` for "did you mean", or "" when none is near.
[[nodiscard]] std::string nearest(std::string_view text,
                                  std::span<const std::string_view> candidates);

// SHA-256 over pieces (OpenSSL).
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::string_view bytes);
    [[nodiscard]] std::string hex();  // ends the digest
  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace lineside::base
