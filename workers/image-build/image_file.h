// SPDX-License-Identifier: Apache-2.0
// Hashes a file as it will lie in a partition: an Android sparse file (what flash.sh calls
// system.img) by the content it stands for, every other file as it is. Thread: any; blocks on disk.
// Source of the format: AOSP libsparse sparse_format.h.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/tree_scan.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace lineside::image_build {

struct FileContent {
    std::uint64_t bytes = 0;
    std::string sha256;
};

// Chunks that a sparse file leaves open ("don't care") count as zeros. Errors: image.build, those
// of `tick`.
[[nodiscard]] base::Result<FileContent> hash_image_file(const std::filesystem::path& file,
                                                        const Tick& tick);

// The name of the signed form of `file` in `folder`, as NVIDIA's tool leaves it
// ("boot_sigheader.img.encrypt"); "" where there is none.
[[nodiscard]] std::string find_signed(const std::filesystem::path& folder, const std::string& file);

// Is it in Android's sparse form? False also for what cannot be read.
[[nodiscard]] bool is_sparse(const std::filesystem::path& file);

// The content that a sparse file stands for, as a file with holes; `to` is made or replaced.
// Errors: image.build, disk.full, those of `tick`.
[[nodiscard]] base::Result<FileContent> unsparse_image_file(const std::filesystem::path& file,
                                                            const std::filesystem::path& to,
                                                            const Tick& tick);

// The file as it is, sparse or not; at most its first `most` bytes.
[[nodiscard]] base::Result<FileContent> hash_first(const std::filesystem::path& file,
                                                   std::uint64_t most, const Tick& tick);

}  // namespace lineside::image_build
