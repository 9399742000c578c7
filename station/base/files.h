// SPDX-License-Identifier: Apache-2.0
// Whole-file reading and crash-safe replacing. Errors: config.missing (not there), disk.full,
// station.bug otherwise.   Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace lineside::base {

// Reads at most `max_bytes`; a longer file is an error, not a cut.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t max_bytes);
// Writes path.tmp, syncs it, renames it over `path`, syncs the folder: after a crash the old or the
// new content is there, whole.   Durable: yes.
[[nodiscard]] Status replace_file(const std::filesystem::path& path, std::string_view content,
                                  mode_t mode = 0644);

}  // namespace lineside::base
