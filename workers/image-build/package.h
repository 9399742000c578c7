// SPDX-License-Identifier: Apache-2.0
// What a finished package writes, for the ways in which no flash.sh runs: which file goes into
// which partition, and what is in the root file system. Kinds (l4t, sections 3 and 6):
//   massflash   the folder of an R32 mfi_<board>.tbz2: flash.xml and all files beside it
//   initrd      a tree with tools/kernel_flash: images/internal and external with a flash.idx each;
//               without them bootloader/flash.xml
//   tegraflash  the folder of a meta-tegra <image>.tegraflash.tar.gz: flash.xml, or flash.xml.in
//               with names in their place, of which APPFILE is told by .env.initrd-flash
// Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/flash_layout.h"
#include "workers/image-build/tree_scan.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::image_build {

struct PackageFile {
    std::string partition;
    std::string file;      // below the package
    bool as_it_is = true;  // false: the package's tool signs it while it flashes, and writes that
};

struct PackageContents {
    std::vector<PackageFile> files;  // a name occurs once
    std::string root;                // of `files`: that of the root file system
};
// Errors: image.build, naming file and line.
[[nodiscard]] base::Result<PackageContents> package_contents(const std::filesystem::path& tree,
                                                             std::string_view way);

// flash.idx, as l4t_create_images_for_kernel_flash.sh leaves it: `index, device:instance:name,
// start, size, file, file size, attributes, sha1` a line. Files below `folder`. Errors:
// image.build.
[[nodiscard]] base::Result<std::vector<PackageFile>> parse_flash_index(std::string_view text,
                                                                       const std::string& folder);

// The root file system's content: of ext4 (plain, or sparse: then unpacked to `scratch`, which is
// gone afterwards), or of a tar archive. Errors: image.build, disk.full, those of `tick`.
[[nodiscard]] base::Result<std::vector<proof::FileRecord>> read_root(
    const std::filesystem::path& file, const std::filesystem::path& scratch, const Tick& tick);

}  // namespace lineside::image_build
