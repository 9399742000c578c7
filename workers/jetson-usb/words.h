// SPDX-License-Identifier: Apache-2.0
// Finds all of a fixed set of words in a line, in one pass over its bytes (Aho and Corasick, CACM
// 18 (1975) 333): the filter that keeps the expressions of the tables away from lines that say
// nothing. Letters match in either case, a run of blanks and tabs matches one blank.
// Thread: any, once built.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lineside::jetson_usb {

class Words {
  public:
    // A word's place in `words` is its number. REQUIRES: words are lower case, not empty, without
    // two blanks in a row, fewer than 60,000 letters in all.
    explicit Words(const std::vector<std::string_view>& words);

    // Calls found(number) for each occurrence, in the order of their ends.
    template <class Found>
    void scan(std::string_view line, const Found& found) const {
        const std::uint16_t* table = next_.data();
        std::uint32_t state = 0;
        for (const char letter : line) {
            state = table[state + class_[static_cast<std::uint8_t>(letter)]];
            state <<= shift_;
            if (state >= first_end_) {
                for (const std::uint16_t number : ends_[(state - first_end_) >> shift_]) {
                    found(number);
                }
            }
        }
    }

  private:
    std::array<std::uint8_t, 256> class_{};  // letters that no word has share class 0
    unsigned shift_ = 0;                     // a row of the table has 1 << shift_ cells
    std::vector<std::uint16_t> next_;        // rows; those of states that end a word come last
    std::uint32_t first_end_ = 0;            // offset of the first of these
    std::vector<std::vector<std::uint16_t>> ends_;
};

}  // namespace lineside::jetson_usb
