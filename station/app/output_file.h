// SPDX-License-Identifier: Apache-2.0
// Where a command writes what a person asked for. A file shows up under its name only when all of
// it is there: until then it is <name>.part-XXXXXX beside it, and dropped it is gone. Standard
// output, devices and pipes are written as they are; never is something put in their place. Thread:
// the command's.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace lineside::app {

class OutputFile {
  public:
    // "-" = standard output.   Errors: request.refused, disk.full.
    [[nodiscard]] static base::Result<OutputFile> open(const std::string& name);
    OutputFile(OutputFile&& other) noexcept = default;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile();

    [[nodiscard]] base::Status write(std::string_view bytes);
    // The file is whole: on the disk and under its name.
    [[nodiscard]] base::Status finish();

  private:
    OutputFile() = default;
    [[nodiscard]] tl::unexpected<base::Error> failed(int error) const;
    std::string name_;
    std::filesystem::path target_;  // where links lead
    std::filesystem::path part_;    // empty: written directly
    base::UniqueFd own_;
    int fd_ = -1;
};

}  // namespace lineside::app
