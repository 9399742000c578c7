// SPDX-License-Identifier: Apache-2.0
// A file's bytes as they lie there, packed or not, piece by piece, and what they hash to.
// Errors: config.missing (not there), media.source, operator.stopped.
// Thread: one; blocks on disk.
#pragma once

#include "station/base/error.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace lineside::media {

// An error of `take` ends it.
[[nodiscard]] base::Status read_through(const std::filesystem::path& file,
                                        const std::atomic<bool>& stop,
                                        const std::function<base::Status(std::string_view)>& take);
// SHA-256, lower-case hex.
[[nodiscard]] base::Result<std::string> hash_of_file(const std::filesystem::path& file,
                                                     const std::atomic<bool>& stop);

}  // namespace lineside::media
