// SPDX-License-Identifier: Apache-2.0
// Runs one script of the BSP tree for an image, told by its last lines when it fails. Thread: one.
#pragma once

#include "workers/sdk/tool.h"

#include <string_view>

namespace lineside::image_build {

// `what`: as it is told ("flash.sh --no-flash"). Errors: image.build, disk.full, tool.missing,
// operator.stopped, station.stopping.
[[nodiscard]] base::Status run_image_tool(worker::Station& station, const worker::Command& command,
                                          std::string_view what);

}  // namespace lineside::image_build
