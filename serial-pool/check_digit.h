// SPDX-License-Identifier: Apache-2.0
// Check characters of a serial: Luhn mod N over any alphabet, and the eight systems of
// ISO/IEC 7064. Letters count as capitals (serials are unique ignoring case); '.', '_' and '-' are
// passed over, as a person who types a serial would.
// Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

class CheckDigit {
  public:
    // "luhn" (decimal digits), "luhn:ALPHABET" (2 to 36 digits and capital letters, in the order
    // of their values), "iso7064-11-2", "iso7064-37-2", "iso7064-97-10", "iso7064-661-26",
    // "iso7064-1271-36", "iso7064-11,10", "iso7064-27,26", "iso7064-37,36" (a comma may be written
    // as '-').   Errors: request.invalid (names what there is).
    [[nodiscard]] static base::Result<CheckDigit> named(std::string_view name);
    [[nodiscard]] static const std::vector<std::string_view>& names();

    // The characters to be put behind `text`.   Errors: request.invalid (a character that this
    // system does not know, none that counts).
    [[nodiscard]] base::Result<std::string> of(std::string_view text) const;
    // Does `text` end in the check characters of what stands before?
    [[nodiscard]] bool fits(std::string_view text) const;
    // How many characters it adds: 1 or 2.
    [[nodiscard]] std::size_t length() const { return length_; }

  private:
    enum class Kind { luhn, pure, hybrid };
    CheckDigit(std::string name, Kind kind, std::string alphabet, unsigned modulus, unsigned radix,
               std::size_t length, std::size_t data_characters);
    [[nodiscard]] base::Result<std::vector<unsigned>> values_of(std::string_view text) const;

    std::string name_;
    Kind kind_;
    std::string
        alphabet_;  // value of a character = its place; check characters come from all of it
    unsigned modulus_;
    unsigned radix_;
    std::size_t length_;
    std::size_t data_characters_;  // the first ones of the alphabet may stand in the text
};

}  // namespace lineside::serial_pool
