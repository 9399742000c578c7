// SPDX-License-Identifier: Apache-2.0
// Files of sysfs and configfs: one write, one value. Errors: std::runtime_error, with file and
// reason.  Thread: any.
#pragma once

#include <filesystem>
#include <string>

namespace line {

void write_file(const std::filesystem::path& file, const std::string& text);
// Without the newline at its end.
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

}  // namespace line
