// SPDX-License-Identifier: Apache-2.0
// File systems by their own tools: made, checked, and what they are by libblkid.
// Errors: tool.missing, tool.failed, unit.storage, media.too_small, config.invalid.
// Thread: one at a time per device; blocks.
#pragma once

#include "workers/media/recipe/programs.h"

#include <cstdint>
#include <filesystem>

namespace lineside::media {

// As fstab and the kernel name it: fat32 is vfat.
[[nodiscard]] std::string kernel_name(std::string_view fs_type);
[[nodiscard]] bool is_fat(std::string_view fs_type);

struct FileSystemPlan {
    std::string fs_type;             // a recipe's word
    std::string label;               // as the file system takes it
    std::uint64_t bytes = 0;         // of its partition
    std::uint64_t hidden_bytes = 0;  // of the disk in front of it: FAT keeps it for boot code
};

// Before a byte is written: are its tools installed, is there room, is the label one it takes?
[[nodiscard]] base::Status can_be_made(const FileSystemPlan& plan);
[[nodiscard]] base::Status make_file_system(const FileSystemPlan& plan,
                                            const std::filesystem::path& device,
                                            const Programs& programs);

struct FileSystemFacts {
    std::string type, uuid, label;  // by libblkid; empty: not known
};
[[nodiscard]] base::Result<FileSystemFacts> read_file_system(const std::filesystem::path& device);

// Looks, changes nothing. `type` as libblkid says it. tool.failed: it is not clean.
[[nodiscard]] base::Result<std::string> check_file_system(const std::string& type,
                                                          const std::filesystem::path& device,
                                                          const Programs& programs);

}  // namespace lineside::media
