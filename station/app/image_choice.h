// SPDX-License-Identifier: Apache-2.0
// Which image and which block map `lineside write` is told to take: a file or an address, and the
// map that is named or lies beside the image (IMAGE.bmap, also without IMAGE's endings).
// Errors: those of media::fetch_image.
// Thread: the command's; blocks on network and disk.
#pragma once

#include "station/base/error.h"

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lineside::app {

struct ImageFiles {
    std::filesystem::path image;
    std::optional<std::filesystem::path> bmap;
};

// "a.wic.gz": a.wic.gz.bmap, a.wic.bmap, a.bmap.
[[nodiscard]] std::vector<std::string> bmap_names(const std::string& image);
// `bmap` empty: one that lies beside the image, if `look_beside`. What is fetched is in `cache`.
[[nodiscard]] base::Result<ImageFiles> choose_image(const std::string& image,
                                                    const std::string& bmap, bool look_beside,
                                                    const std::filesystem::path& cache,
                                                    const std::atomic<bool>& stop);

}  // namespace lineside::app
