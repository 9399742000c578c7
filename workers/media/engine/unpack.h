// SPDX-License-Identifier: Apache-2.0
// Unpacks a packed or sparse image into the cache, once: PATH.img with holes where nothing is, and
// beside it PATH.map with what the holes mean, and PATH.bmap where the archive held one. Both
// appear whole or not at all. Errors: media.source, disk.full, operator.stopped.   Thread: one;
// blocks on disk.
#pragma once

#include "workers/media/engine/image_map.h"

#include <atomic>
#include <filesystem>

namespace lineside::media {

struct UnpackedImage {
    std::filesystem::path file;
    ImageMap map;
    std::optional<std::filesystem::path> bmap;  // that lay in the archive too
};

// Is `file` packed (by its name) or an Android sparse image (by its first bytes)?
[[nodiscard]] base::Result<bool> needs_unpacking(const std::filesystem::path& file);
[[nodiscard]] base::Result<UnpackedImage> unpack_image(const std::filesystem::path& file,
                                                       const std::filesystem::path& cache,
                                                       const std::atomic<bool>& stop);

}  // namespace lineside::media
