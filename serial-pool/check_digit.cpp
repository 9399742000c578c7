// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/check_digit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace lineside::serial_pool {
namespace {

using base::Result;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kBoth = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

char capital(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool is_passed_over(char c) {
    return c == '.' || c == '_' || c == '-';
}

Result<std::string> luhn_alphabet(std::string_view given) {
    std::string alphabet(given);
    std::string sorted = alphabet;
    std::sort(sorted.begin(), sorted.end());
    const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
    if (alphabet.size() < 2 || twice || alphabet.find_first_not_of(kBoth) != std::string::npos) {
        return base::fail("request.invalid",
                          "check: the alphabet behind \"luhn:\" has 2 to 36 different digits and "
                          "capital letters");
    }
    return alphabet;
}

}  // namespace

CheckDigit::CheckDigit(std::string name, Kind kind, std::string alphabet, unsigned modulus,
                       unsigned radix, std::size_t length, std::size_t data_characters)
    : name_(std::move(name)),
      kind_(kind),
      alphabet_(std::move(alphabet)),
      modulus_(modulus),
      radix_(radix),
      length_(length),
      data_characters_(data_characters) {}

const std::vector<std::string_view>& CheckDigit::names() {
    static const std::vector<std::string_view> all{
        "luhn",           "luhn:ALPHABET",   "iso7064-11-2",  "iso7064-37-2",  "iso7064-97-10",
        "iso7064-661-26", "iso7064-1271-36", "iso7064-11,10", "iso7064-27,26", "iso7064-37,36"};
    return all;
}

Result<CheckDigit> CheckDigit::named(std::string_view name) {
    if (name == "luhn") {
        return CheckDigit("luhn", Kind::luhn, std::string(kDigits), 10, 2, 1, 10);
    }
    if (name.starts_with("luhn:")) {
        auto alphabet = luhn_alphabet(name.substr(5));
        if (!alphabet) {
            return tl::unexpected<base::Error>(alphabet.error());
        }
        const std::size_t size = alphabet->size();
        return CheckDigit(std::string(name), Kind::luhn, std::move(*alphabet),
                          static_cast<unsigned>(size), 2, 1, size);
    }
    std::string wanted(name);
    std::replace(wanted.begin(), wanted.end(), ',', '-');
    // ISO/IEC 7064:2003, table 1. The check character of 11-2 and 37-2 may be one more than the
    // text may hold.
    if (wanted == "iso7064-11-2") {
        return CheckDigit(wanted, Kind::pure, std::string(kDigits) + "X", 11, 2, 1, 10);
    }
    if (wanted == "iso7064-37-2") {
        return CheckDigit(wanted, Kind::pure, std::string(kBoth) + "*", 37, 2, 1, 36);
    }
    if (wanted == "iso7064-97-10") {
        return CheckDigit(wanted, Kind::pure, std::string(kDigits), 97, 10, 2, 10);
    }
    if (wanted == "iso7064-661-26") {
        return CheckDigit(wanted, Kind::pure, std::string(kLetters), 661, 26, 2, 26);
    }
    if (wanted == "iso7064-1271-36") {
        return CheckDigit(wanted, Kind::pure, std::string(kBoth), 1271, 36, 2, 36);
    }
    if (wanted == "iso7064-11-10") {
        return CheckDigit(wanted, Kind::hybrid, std::string(kDigits), 10, 2, 1, 10);
    }
    if (wanted == "iso7064-27-26") {
        return CheckDigit(wanted, Kind::hybrid, std::string(kLetters), 26, 2, 1, 26);
    }
    if (wanted == "iso7064-37-36") {
        return CheckDigit(wanted, Kind::hybrid, std::string(kBoth), 36, 2, 1, 36);
    }
    return base::fail("request.invalid",
                      fmt::format("check: there is {}", fmt::join(names(), ", ")));
}

Result<std::vector<unsigned>> CheckDigit::values_of(std::string_view text) const {
    const std::string_view known = std::string_view(alphabet_).substr(0, data_characters_);
    std::vector<unsigned> values;
    values.reserve(text.size());
    for (const char c : text) {
        if (is_passed_over(c)) {
            continue;
        }
        const std::size_t at = known.find(capital(c));
        if (at == std::string_view::npos) {
            return base::fail(
                "request.invalid",
                fmt::format("check: {} is not for '{}' (it knows {}); choose another, or let it "
                            "cover the counter alone",
                            name_, c, known));
        }
        values.push_back(static_cast<unsigned>(at));
    }
    if (values.empty()) {
        return base::fail("request.invalid", "check: no character that counts stands before it");
    }
    return values;
}

Result<std::string> CheckDigit::of(std::string_view text) const {
    auto values = values_of(text);
    if (!values) {
        return tl::unexpected<base::Error>(values.error());
    }
    if (kind_ == Kind::luhn) {
        unsigned sum = 0;
        unsigned factor = 2;  // the rightmost one is doubled
        for (auto value = values->rbegin(); value != values->rend(); ++value) {
            const unsigned product = *value * factor;
            sum += product / modulus_ + product % modulus_;
            factor = 3 - factor;
        }
        return std::string(1, alphabet_[(modulus_ - sum % modulus_) % modulus_]);
    }
    if (kind_ == Kind::hybrid) {
        unsigned rest = modulus_;
        for (const unsigned value : *values) {
            rest = (rest + value) % modulus_;
            rest = (rest == 0 ? modulus_ : rest) * 2 % (modulus_ + 1);
        }
        return std::string(1, alphabet_[(modulus_ + 1 - rest) % modulus_]);
    }
    unsigned rest = 0;
    for (const unsigned value : *values) {
        rest = (rest + value) * radix_ % modulus_;
    }
    if (length_ == 1) {
        return std::string(1, alphabet_[(modulus_ + 1 - rest) % modulus_]);
    }
    const unsigned both = (modulus_ + 1 - rest * radix_ % modulus_) % modulus_;
    return std::string{alphabet_[both / radix_], alphabet_[both % radix_]};
}

bool CheckDigit::fits(std::string_view text) const {
    if (text.size() <= length_) {
        return false;
    }
    const auto wanted = of(text.substr(0, text.size() - length_));
    return wanted && std::equal(wanted->begin(), wanted->end(), text.end() - length_,
                                [](char a, char b) { return a == capital(b); });
}

}  // namespace lineside::serial_pool
