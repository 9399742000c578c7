// SPDX-License-Identifier: Apache-2.0
// A package as its maker gives it: mfi_<board>.tbz2, <image>.tegraflash.tar.gz, whatever tar
// archive libarchive reads. Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/meter.h"

#include <filesystem>

namespace lineside::image_build {

[[nodiscard]] bool is_archive(const std::filesystem::path& bsp);  // a file, also through a link

// Unpacks it into `folder`, which must be there and empty, and says where in it the package is:
// most have all of their files in one folder of their name. Files belong to who unpacks, modes and
// times stay. `tick` hears of the archive's own bytes. Errors: image.build (no archive, damaged, a
// name that leads out of it, a device), disk.full, those of `tick`.
[[nodiscard]] base::Result<std::filesystem::path> unpack(const std::filesystem::path& archive,
                                                         const std::filesystem::path& folder,
                                                         const Tick& tick);

}  // namespace lineside::image_build
