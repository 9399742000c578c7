// SPDX-License-Identifier: Apache-2.0
// Where a recipe's partitions lie on a disk of a given size: from 1 MiB on, each at a multiple of
// 1 MiB, in the order of the recipe. Errors: media.too_small, config.invalid, each naming the
// partition.   Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "workers/media/formats/recipe.h"

#include <cstdint>
#include <vector>

namespace lineside::media {

struct Slice {
    std::uint64_t begin = 0, bytes = 0;
    [[nodiscard]] std::uint64_t end() const { return begin + bytes; }
};

constexpr std::uint64_t kSliceAlignment = 1024 * 1024;

// `disk_bytes` and `sector` as the disk says. The backup of a GUID table keeps its place at the end
// (32 sectors of 512 bytes of entries at least, and its header); a table msdos counts 32 bits of
// sectors.
[[nodiscard]] base::Result<std::vector<Slice>> lay_out(const Recipe& recipe,
                                                       std::uint64_t disk_bytes,
                                                       std::uint32_t sector);

}  // namespace lineside::media
