// SPDX-License-Identifier: Apache-2.0
// Copies a whole tree with modes, owners, extended attributes, times, hard links, devices and
// holes, and hashes every file on the way: one read of the source. Files share their blocks with
// the source where the file system can (reflink); they are never hard links of it, because flash.sh
// writes into files. Thread: any; blocks on disk. Durable: yes, when it returns.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/tree_scan.h"

#include <filesystem>

namespace lineside::image_build {

// `to` must not exist. The records returned describe `to`. Errors: disk.full, image.build, those of
// `tick`; what was made until then stays for the caller to remove.
[[nodiscard]] base::Result<Tree> copy_tree(const std::filesystem::path& from,
                                           const std::filesystem::path& to, const Tick& tick);

}  // namespace lineside::image_build
