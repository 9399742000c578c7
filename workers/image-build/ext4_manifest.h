// SPDX-License-Identifier: Apache-2.0
// Reads an ext4 image file with e2fsprogs' library, without mounting it: what is in the file system
// is what will be on the unit, whatever the tool that made it did with modes, owners and
// attributes. Thread: one at a time; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/tree_scan.h"

#include <filesystem>
#include <vector>

namespace lineside::image_build {

// Every file, folder, link and device, sorted by path, files hashed. `record.link` is set for
// symbolic links only. Errors: image.build (no ext4, damaged), those of `tick` (bytes of file
// content).
[[nodiscard]] base::Result<std::vector<proof::FileRecord>> read_ext4(
    const std::filesystem::path& image, const Tick& tick);

}  // namespace lineside::image_build
