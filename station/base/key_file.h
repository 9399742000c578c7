// SPDX-License-Identifier: Apache-2.0
// Reading a file that holds a key: it must be a plain file of ours or root's, closed to all others,
// else who else knows the key cannot be said.
// Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <filesystem>

namespace lineside::base {

// Errors: `code` of the caller, for a file that is not there, not plain, open to others or longer
// than `max_bytes`.
[[nodiscard]] Result<Secret> read_key_file(const std::filesystem::path& file, std::size_t max_bytes,
                                           std::string_view code);

}  // namespace lineside::base
