// SPDX-License-Identifier: Apache-2.0
// The log file that meta-tegra's initrd-flash makes in its folder, read as it grows: only there
// stands what the boot ROM and the signing said. Thread: one.
#pragma once

#include "station/base/unique_fd.h"
#include "workers/sdk/tool_lines.h"

#include <filesystem>

namespace lineside::jetson_usb {

class LogFollower {
  public:
    explicit LogFollower(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // What came since the last call, but only the lines that the tool's terminal does not get: the
    // chip's id, the board and failures of the tools below.
    void read(const worker::ToolLines::Take& take);

  private:
    std::filesystem::path folder_;
    base::UniqueFd file_;
    worker::ToolLines lines_;
};

}  // namespace lineside::jetson_usb
