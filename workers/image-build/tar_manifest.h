// SPDX-License-Identifier: Apache-2.0
// The manifest of a root file system that comes as a tar archive, compressed or not: NVIDIA's
// kernel flash formats the partition on the unit and unpacks it there. Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/tree_scan.h"

#include <filesystem>
#include <vector>

namespace lineside::image_build {

// Every file, folder, link and device, sorted by path, as `tar --xattrs -xpf` would leave them: of
// two entries of a path the later one counts. Errors: image.build (no tar archive, a path that
// leaves it, a hard link to nothing), those of `tick`.
[[nodiscard]] base::Result<std::vector<proof::FileRecord>> read_tar(
    const std::filesystem::path& file, const Tick& tick);

}  // namespace lineside::image_build
