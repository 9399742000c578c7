// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/serial_range.h"

#include "serial-pool/batch_csv.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cmath>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Secret;
using base::Status;

constexpr double kLeastBits = 64;  // of one token
constexpr std::size_t kDrawAtOnce = 4096;

tl::unexpected<base::Error> wrong(std::string message) {
    return base::fail("request.invalid", std::move(message));
}

std::size_t digits_of(std::int64_t number) {
    return std::to_string(number).size();
}

// The largest counter; nothing when it does not fit 64 bits. All parts were checked.
std::optional<std::int64_t> last_of(const SerialRange& range) {
    std::int64_t span = 0;
    std::int64_t last = 0;
    if (__builtin_mul_overflow(range.count - 1, range.step, &span) ||
        __builtin_add_overflow(range.first, span, &last)) {
        return std::nullopt;
    }
    return last;
}

}  // namespace

Result<std::string> serial_at(const SerialRange& range, std::int64_t n) {
    const std::string counter =
        fmt::format("{:0{}}", range.first + n * range.step, static_cast<int>(range.width));
    std::string serial = range.prefix + counter + range.suffix;
    if (range.check) {
        auto check = range.check->of(range.check_counter_only ? counter : serial);
        if (!check) {
            return tl::unexpected<base::Error>(check.error());
        }
        serial += *check;
        if (!is_serial(serial)) {
            return wrong(
                fmt::format("check: number {} of the range gets the check character {}, "
                            "which no serial may hold; choose iso7064-37,36",
                            n + 1, *check));
        }
    }
    return serial;
}

Status check_range(const SerialRange& range) {
    if (range.count < 1 || range.count > kMostGenerated) {
        return wrong(fmt::format("count: 1 to {} serials at once", kMostGenerated));
    }
    if (range.first < 0) {
        return wrong("from: the counter begins at 0 or above");
    }
    if (range.step < 1) {
        return wrong("step: the counter goes up by 1 or more");
    }
    if (range.width > kMostWidth) {
        return wrong(fmt::format("width: at most {} digits", kMostWidth));
    }
    const auto last = last_of(range);
    if (!last || digits_of(*last) > kMostWidth) {
        return wrong(
            fmt::format("from, step, count: the last counter has more than {} digits", kMostWidth));
    }
    if (range.width != 0 && digits_of(*last) > range.width) {
        return wrong(
            fmt::format("width: the last counter is {}, which has {} digits; give at "
                        "least that width, or fewer serials",
                        *last, digits_of(*last)));
    }
    // The longest one has every character that any of them has but for digits; with the check
    // characters each is looked at where it is made.
    SerialRange bare = range;
    bare.check.reset();
    auto longest = serial_at(bare, range.count - 1);
    const std::size_t check = range.check ? range.check->length() : 0;
    if (longest && longest->size() + check > kMaxSerial) {
        return wrong(
            fmt::format("prefix, suffix, width: the serials would have {} characters, at "
                        "most {} are allowed",
                        longest->size() + check, kMaxSerial));
    }
    if (!longest || !is_serial(*longest)) {
        return wrong(
            "prefix, suffix: a serial holds letters, digits, '.', '_' and '-' only, and "
            "begins with a letter or a digit");
    }
    auto first = serial_at(range, 0);  // tells a check system that does not fit the text
    return first ? Status() : tl::unexpected<base::Error>(first.error());
}

TokenMaker::TokenMaker(std::string alphabet, std::size_t length)
    : alphabet_(std::move(alphabet)),
      length_(length),
      limit_(256U - 256U % static_cast<unsigned>(alphabet_.size())) {}

TokenMaker::~TokenMaker() {
    OPENSSL_cleanse(drawn_.data(), drawn_.size());
}

Result<TokenMaker> TokenMaker::over(std::string_view alphabet, std::int64_t length) {
    std::string sorted(alphabet);
    std::sort(sorted.begin(), sorted.end());
    if (alphabet.size() < 2 || !is_token(alphabet) || alphabet.find('"') != std::string::npos ||
        std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
        return wrong(
            "token alphabet: at least 2 different printable ASCII characters, no quotation mark");
    }
    if (length < 1 || length > static_cast<std::int64_t>(kMaxToken)) {
        return wrong(fmt::format("token length: 1 to {} characters", kMaxToken));
    }
    const double bits = std::log2(static_cast<double>(alphabet.size()));
    if (static_cast<double>(length) * bits < kLeastBits) {
        return wrong(
            fmt::format("token length: with {} different characters at least {} are "
                        "needed, or the tokens can be guessed",
                        alphabet.size(), std::ceil(kLeastBits / bits)));
    }
    return TokenMaker(std::string(alphabet), static_cast<std::size_t>(length));
}

Status TokenMaker::append(std::string& text) {
    for (std::size_t made = 0; made < length_;) {
        if (used_ == drawn_.size()) {
            drawn_.resize(kDrawAtOnce);
            used_ = 0;
            if (RAND_bytes(reinterpret_cast<unsigned char*>(drawn_.data()),
                           static_cast<int>(drawn_.size())) != 1) {
                return base::fail("station.bug", "OpenSSL failed: random bytes");
            }
        }
        const auto byte = static_cast<unsigned char>(drawn_[used_++]);
        if (byte < limit_) {
            text.push_back(alphabet_[byte % alphabet_.size()]);
            ++made;
        }
    }
    return {};
}

Result<Secret> generate_batch(const SerialRange& range, TokenMaker* tokens) {
    if (auto good = check_range(range); !good) {
        return tl::unexpected<base::Error>(good.error());
    }
    const std::size_t line = kMaxSerial + 4 + (tokens == nullptr ? 0 : tokens->length());
    if (static_cast<std::size_t>(range.count) > kMaxBatchBytes / line) {
        return wrong(
            fmt::format("count: {} serials with such tokens are more than {} MiB; make "
                        "several batches",
                        range.count, kMaxBatchBytes >> 20U));
    }
    std::string text;
    text.reserve(static_cast<std::size_t>(range.count + 1) * line);  // never moved: it holds tokens
    text += tokens == nullptr ? "serial\n" : "serial,token\n";
    Status done;
    for (std::int64_t n = 0; n < range.count && done; ++n) {
        auto serial = serial_at(range, n);
        if (!serial) {
            done = tl::unexpected<base::Error>(serial.error());
            break;
        }
        text += *serial;
        if (tokens != nullptr) {
            text += ",\"";
            done = tokens->append(text);
            text += '"';
        }
        text += '\n';
    }
    Secret made(std::move(text));
    return done ? Result<Secret>(std::move(made)) : tl::unexpected<base::Error>(done.error());
}

}  // namespace lineside::serial_pool
