// SPDX-License-Identifier: Apache-2.0
// Serials that are counted: prefix, counter, suffix, check characters; and tokens drawn at random.
// What comes out is a batch file in memory, so that a generated batch is checked, previewed and
// loaded by the very way of a file that somebody brought.
// Thread: any.   Cost: linear in what is made.
#pragma once

#include "serial-pool/check_digit.h"
#include "station/base/error.h"
#include "station/base/secret.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::serial_pool {

inline constexpr std::int64_t kMostGenerated = 2'000'000;
inline constexpr std::size_t kMostWidth = 18;  // digits of a counter

struct SerialRange {
    std::string prefix;
    std::int64_t first = 1;
    std::int64_t count = 0;
    std::int64_t step = 1;
    std::size_t width = 0;  // digits, filled up with zeros; 0 = as many as the counter has
    std::string suffix;
    std::optional<CheckDigit> check;  // stands at the very end
    bool check_counter_only = false;  // covers the counter, not prefix and suffix
};

// Is every serial of the range a serial, and no two the same?   Errors: request.invalid (which
// part, and what to do).
[[nodiscard]] base::Status check_range(const SerialRange& range);
// The n-th serial, n from 0 to count - 1, of a range that was checked.   Errors: request.invalid
// (its check character is none a serial may hold: only iso7064-37-2 has one).
[[nodiscard]] base::Result<std::string> serial_at(const SerialRange& range, std::int64_t n);

// Tokens of one length over one alphabet, each as likely as any other, from OpenSSL's generator.
class TokenMaker {
  public:
    static constexpr std::string_view kAlphanumeric =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // Errors: request.invalid (length, alphabet, too few to be safe from guessing: 64 bit).
    [[nodiscard]] static base::Result<TokenMaker> over(std::string_view alphabet,
                                                       std::int64_t length);
    // Appends one token.   Errors: station.bug (OpenSSL has no random bytes).
    [[nodiscard]] base::Status append(std::string& text);
    [[nodiscard]] std::size_t length() const { return length_; }

    TokenMaker(TokenMaker&&) = default;
    TokenMaker& operator=(TokenMaker&&) = default;
    TokenMaker(const TokenMaker&) = delete;
    TokenMaker& operator=(const TokenMaker&) = delete;
    ~TokenMaker();  // wipes what was drawn in advance

  private:
    TokenMaker(std::string alphabet, std::size_t length);
    std::string alphabet_;
    std::size_t length_;
    unsigned limit_;     // bytes from here on would favour the first characters: drawn anew
    std::string drawn_;  // random bytes
    std::size_t used_ = 0;
};

// The batch file of a range: a line for each serial, with a token when `tokens` is given.
// Errors: those of check_range, serial_at and append.
[[nodiscard]] base::Result<base::Secret> generate_batch(const SerialRange& range,
                                                        TokenMaker* tokens);

}  // namespace lineside::serial_pool
