// SPDX-License-Identifier: Apache-2.0
// Which blocks of an image its ext4 file systems have in use, by their own bitmaps (libext2fs): the
// image's only file system, or those of its partitions. A free block's bytes mean nothing.
// Errors: media.source.   Thread: one; blocks on disk.
#pragma once

#include "workers/media/engine/image_map.h"

#include <filesystem>

namespace lineside::media {

// `map` with each free block as unused. A file system whose bitmaps may not be up to date (its
// journal was never replayed, or it says it has errors) is left as it is, as is every other kind.
[[nodiscard]] base::Result<ImageMap> without_free_blocks(const std::filesystem::path& file,
                                                         const ImageMap& map);

}  // namespace lineside::media
