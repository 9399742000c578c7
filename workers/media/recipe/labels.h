// SPDX-License-Identifier: Apache-2.0
// Names of partitions as far as each place holds them.   Thread: any (pure).
#pragma once

#include "workers/media/formats/recipe_tables.h"
#include "workers/media/formats/report.h"

#include <string>
#include <string_view>

namespace lineside::media {

// Of a GPT entry, in UTF-16 units.
constexpr std::size_t kGptNameUnits = 36;

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
