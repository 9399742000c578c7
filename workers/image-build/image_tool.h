// SPDX-License-Identifier: Apache-2.0
// Runs one script of the BSP tree for an image, told by its last lines when it fails. Thread: one.
#pragma once

#include "workers/container/runner.h"

#include <string_view>

namespace lineside::image_build {

// Of the tools of a build.
[[nodiscard]] worker::ToolLimits image_tool_limits(const worker::Station& station);

// `what`: as it is told ("flash.sh --no-flash"). Errors: image.build, disk.full, tool.missing,
// operator.stopped, station.stopping; in a container those of container::Runner::run().
[[nodiscard]] base::Status run_image_tool(worker::Station& station, container::Runner& runner,
                                          const container::Call& call, std::string_view what);

}  // namespace lineside::image_build
