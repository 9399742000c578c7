// SPDX-License-Identifier: Apache-2.0
// Checks every file system of a disk by its own tool and changes nothing (`lineside check-mmc`).
// Errors: media.forbidden (mounted or in use), media.source (nothing there to check), usb.left,
// host.unfit.   Thread: one; blocks.
#pragma once

#include "workers/media/recipe/layout.h"
#include "workers/media/recipe/programs.h"

#include <filesystem>

namespace lineside::media {

struct PartitionCheck {
    Slice slice;
    std::string type, label, uuid;  // by libblkid; no type: no file system known
    enum class Verdict { clean, faulty, skipped } verdict = Verdict::skipped;
    std::string words;  // of the tool, or why it was skipped
};

// `only`: a file system's name, vfat also for fat32; empty: all.
[[nodiscard]] base::Result<std::vector<PartitionCheck>> check_disk(
    const std::filesystem::path& disk, const std::string& only, const std::atomic<bool>& stop);

}  // namespace lineside::media
