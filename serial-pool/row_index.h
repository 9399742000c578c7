// SPDX-License-Identifier: Apache-2.0
// Finds the earlier row with the same key among up to four billion rows: an open-addressing table
// of row numbers, 4 bytes per slot, so that a million rows cost 8 MiB and not a node each. Thread:
// one.
#pragma once

#include "serial-pool/batch_csv.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

// Serials are compared ignoring case, tokens as they are.
struct SerialOf {
    static std::uint64_t hash(const BatchRow& row) {
        std::array<char, kMaxSerial> folded{};
        for (std::size_t i = 0; i < row.serial.size(); ++i) {
            folded[i] = fold(row.serial[i]);
        }
        return std::hash<std::string_view>{}({folded.data(), row.serial.size()});
    }
    static bool same(const BatchRow& a, const BatchRow& b) {
        if (a.serial.size() != b.serial.size()) {
            return false;
        }
        for (std::size_t i = 0; i < a.serial.size(); ++i) {
            if (fold(a.serial[i]) != fold(b.serial[i])) {
                return false;
            }
        }
        return true;
    }
    static char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
};

struct TokenOf {
    static std::uint64_t hash(const BatchRow& row) {
        return std::hash<std::string_view>{}(row.token);
    }
    static bool same(const BatchRow& a, const BatchRow& b) { return a.token == b.token; }
};

template <typename Key>
class RowIndex {
  public:
    // Pointer into `rows`, good until rows grows.
    [[nodiscard]] const BatchRow* find(const BatchRow& row,
                                       const std::vector<BatchRow>& rows) const {
        for (std::size_t at = Key::hash(row) & mask();; at = (at + 1) & mask()) {
            if (slots_[at] == 0) {
                return nullptr;
            }
            if (const BatchRow& other = rows[slots_[at] - 1]; Key::same(row, other)) {
                return &other;
            }
        }
    }
    // `row` is the last of `rows` and not in the index yet.
    void add(const BatchRow& row, const std::vector<BatchRow>& rows) {
        if (++used_ * 2 > slots_.size()) {
            std::vector<std::uint32_t> old(slots_.size() * 2, 0);
            old.swap(slots_);
            for (const std::uint32_t number : old) {
                if (number != 0) {
                    put(rows[number - 1], number);
                }
            }
        }
        put(row, static_cast<std::uint32_t>(rows.size()));
    }

  private:
    [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
    void put(const BatchRow& row, std::uint32_t number) {
        std::size_t at = Key::hash(row) & mask();
        while (slots_[at] != 0) {
            at = (at + 1) & mask();
        }
        slots_[at] = number;
    }
    std::vector<std::uint32_t> slots_ =
        std::vector<std::uint32_t>(1024, 0);  // row number + 1, 0 = empty
    std::size_t used_ = 0;
};

}  // namespace lineside::serial_pool
