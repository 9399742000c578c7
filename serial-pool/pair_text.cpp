// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/pair_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::serial_pool {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_serial_char(char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}
bool is_token_char(char c) {
    return c > ' ' && c <= '~';
}

}  // namespace

bool is_serial(std::string_view text) {
    return !text.empty() && text.size() <= kMaxSerial && is_letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), is_serial_char);
}

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kMaxToken &&
           std::all_of(text.begin(), text.end(), is_token_char);
}

std::string shown(char separator) {
    return separator == '\t' ? "tab" : fmt::format("'{}'", separator);
}

std::string why_no_serial(std::string_view text, char separator) {
    if (is_serial(text)) {
        return "";
    }
    std::string why;
    const auto wrong = std::find_if_not(text.begin(), text.end(), is_serial_char);
    if (text.empty()) {
        why = "the serial is missing";
    } else if (wrong == text.end()) {
        why = text.size() > kMaxSerial
                  ? fmt::format("the serial has {} characters, at most {} are allowed", text.size(),
                                kMaxSerial)
                  : "the serial must begin with a letter or a digit";
    } else if (*wrong == '\n' || *wrong == '\r') {
        why = "the serial holds a line break; is a closing quote missing?";
    } else if (*wrong == ' ' || *wrong == '\t') {
        why = "the serial holds a blank";
    } else if (*wrong == ',' || *wrong == ';') {
        why = fmt::format("the serial holds {}; {} in the first line", shown(*wrong),
                          separator == '\0' ? "no separator stands"
                                            : "the separator is " + shown(separator) + " as");
    } else if (static_cast<unsigned char>(*wrong) >= 0x80) {
        why = "the serial holds a character that is not ASCII";
    } else if (static_cast<unsigned char>(*wrong) < ' ' || *wrong == 0x7F) {
        why = "the serial holds a control character";
    } else {
        why =
            "the serial may hold letters, digits, '.', '_' and '-' only, and begins with a "
            "letter or a digit";
    }
    return why;
}

std::string why_no_token(std::string_view text) {
    if (is_token(text)) {
        return "";
    }
    std::string why;
    const auto wrong = std::find_if_not(text.begin(), text.end(), is_token_char);
    if (wrong == text.end()) {
        why = fmt::format("the token has {} characters, at most {} are allowed", text.size(),
                          kMaxToken);
    } else if (*wrong == '\n' || *wrong == '\r') {
        why = "the token holds a line break; is a closing quote missing?";
    } else if (*wrong == ' ' || *wrong == '\t') {
        why = "the token holds a blank";
    } else if (static_cast<unsigned char>(*wrong) >= 0x80) {
        why = "the token holds a character that is not ASCII";
    } else {
        why = "the token holds a control character";
    }
    return why;
}

}  // namespace lineside::serial_pool
