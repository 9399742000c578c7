// SPDX-License-Identifier: Apache-2.0
// Names of partitions as far as each place holds them.   Thread: any (pure).
#pragma once

#include "workers/media/formats/recipe_tables.h"

#include <string>
#include <string_view>

namespace lineside::media {

// Of a GPT entry, in UTF-16 units.
constexpr std::size_t kGptNameUnits = 36;

// At most `bytes` of UTF-8, never ending inside a character. A character has no more UTF-16 units
// than bytes.
[[nodiscard]] inline std::string cut_text(std::string_view text, std::size_t bytes) {
    std::size_t end = text.size();
    if (end > bytes) {
        end = bytes;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
            --end;
        }
    }
    return std::string(text.substr(0, end));
}

// The label of a file system of a recipe.
[[nodiscard]] inline std::string label_of(std::string_view name, std::string_view fs_type) {
    for (const FileSystem& each : kFileSystems) {
        if (each.name == fs_type) {
            return cut_text(name, each.label_bytes);
        }
    }
    return std::string(name);
}

}  // namespace lineside::media
