// SPDX-License-Identifier: Apache-2.0
// A recipe file: how a card or disk is partitioned and what is loaded where. YAML, one recipe a
// document; the type "mmc" of embEDUx Flashtool (keys, values and messages are its own), read
// without its faults: `max` really only last, indices in range, unknown keys and keys given twice
// refused, commands that need a shell refused.   Thread: any (pure).
#pragma once

#include "workers/media/formats/report.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

constexpr std::size_t kMaxRecipeBytes = 256 * 1024;
constexpr std::size_t kMaxPartitions = 128;  // of a GUID table as everybody makes it

struct PartitionSize {
    enum class Kind { bytes, percent, rest };  // rest: "max"
    Kind kind = Kind::bytes;
    std::uint64_t value = 0;  // bytes, or 1 to 100
};

struct RecipePartition {
    std::string name;  // trimmed, upper-cased: the label
    PartitionSize size;
    std::string fs_type;      // as written: fat32, vfat, ext2, ext3, ext4 or btrfs
    std::string mount_point;  // empty: not in fstab
    std::string mount_opts;   // empty: "defaults"
    std::vector<std::string> flags;
};

// Where a product goes: onto a partition, or through a command that is run without a shell.
struct RecipeProduct {
    std::string name;                   // one of kProducts
    std::optional<std::size_t> device;  // index into partitions
    std::vector<std::string> command;   // words, with ${file}, ${device}, ${deviceN} still in them
};

struct Recipe {
    std::int64_t line = 1;  // where its document begins
    std::string partition_table;
    std::vector<RecipePartition> partitions;
    std::vector<RecipeProduct> load;  // in the order of the file; blank ones are left out
};

constexpr std::array<std::string_view, 8> kProducts{
    "Uboot",         "Linux_Boot",     "Linux_Root", "Linux_Config",
    "Rootfs_Rootfs", "Rootfs_Portage", "Misc_Boot",  "Misc_Root"};

// The name of a recipe file: {platform}.yml or {platform}_{identifier}.yml.
struct RecipeName {
    std::string platform, identifier;  // identifier empty: none
};

// `file_name` without folders. Empty after an error of `report`.
[[nodiscard]] std::optional<RecipeName> parse_recipe_name(std::string_view file_name,
                                                          Report& report);
// Why `text` is no size, or "": the sentence a complaint says.
[[nodiscard]] std::string parse_partition_size(std::string_view text, PartitionSize& size);
// Words of a command as a POSIX shell would split them, without anything else a shell does.
// `partitions`: how many ${deviceN} may name. The answer is why it is refused, or "".
[[nodiscard]] std::string split_command(std::string_view text, std::size_t partitions,
                                        std::vector<std::string>& words);
// The recipes of `text`, all that could be read; good only where `report` has no error.
[[nodiscard]] std::vector<Recipe> read_recipes(std::string_view text, Report& report);

}  // namespace lineside::media
