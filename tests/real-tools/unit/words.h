// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers in texts of bytes, as recovery mode speaks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lineside::real_tools {

inline std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
        out |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return out;
}

inline std::uint32_t word_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint32_t>(number_at(bytes, at, 4));
}

inline void append_number(std::string& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        out += static_cast<char>(value >> (8 * i) & 0xff);
    }
}

inline void append_word(std::string& out, std::uint32_t value) {
    append_number(out, value, 4);
}

inline std::string word(std::uint32_t value) {
    std::string out;
    append_word(out, value);
    return out;
}

}  // namespace lineside::real_tools
