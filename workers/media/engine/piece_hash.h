// SPDX-License-Identifier: Apache-2.0
// What a piece of an image hashes to, at once or part by part.   Thread: any, one object by one
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct evp_md_ctx_st;
struct XXH3_state_s;

namespace lineside::media {

// XXH3-128 finds what cables and flash do; SHA-256 also what an attacker would.
enum class PieceHash { xxh3, sha256 };
using HashValue = std::array<std::uint8_t, 32>;  // XXH3-128 fills the first half
[[nodiscard]] HashValue hash_piece(PieceHash kind, std::span<const std::byte> bytes);

class PieceHasher {
  public:
    explicit PieceHasher(PieceHash kind);
    ~PieceHasher();
    PieceHasher(const PieceHasher&) = delete;
    PieceHasher& operator=(const PieceHasher&) = delete;

    void begin();
    void update(std::span<const std::byte> bytes);
    [[nodiscard]] HashValue end();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
        void operator()(XXH3_state_s* state) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> sha256_;
    std::unique_ptr<XXH3_state_s, Free> xxh3_;
};

}  // namespace lineside::media
