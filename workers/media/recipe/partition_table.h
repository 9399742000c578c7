// SPDX-License-Identifier: Apache-2.0
// A recipe's partition table onto a disk by libfdisk, and read back. Types and flags mean what
// libparted means by the same names (its documentation of `set`).
// Errors: unit.storage, image.mismatch (what is read is not what was written).
// Thread: one at a time per disk; blocks on it.
#pragma once

#include "workers/media/recipe/layout.h"

#include <filesystem>

namespace lineside::media {

// The type of a partition: of msdos a number ("c"), of gpt a GUID. `flags` of the recipe come
// first, then its file system.
[[nodiscard]] std::string partition_type(const RecipePartition& partition, bool gpt);

// `fd`: the disk, opened for writing. Syncs it.
[[nodiscard]] base::Status write_partition_table(int fd, const std::filesystem::path& disk,
                                                 const Recipe& recipe,
                                                 const std::vector<Slice>& slices);
// Is there, on the disk, exactly what the recipe says?
[[nodiscard]] base::Status compare_partition_table(int fd, const std::filesystem::path& disk,
                                                   const Recipe& recipe,
                                                   const std::vector<Slice>& slices);
// The partitions of any table libfdisk knows; extended ones are left out.
[[nodiscard]] base::Result<std::vector<Slice>> read_partitions(int fd,
                                                               const std::filesystem::path& disk);

}  // namespace lineside::media
