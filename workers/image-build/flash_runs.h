// SPDX-License-Identifier: Apache-2.0
// The two runs of flash.sh that make an image in a lane: `--no-flash`, and again `--no-flash -r`,
// which does what every unit's own flashing will do. Thread: one.
#pragma once

#include "workers/container/runner.h"
#include "workers/image-build/content_key.h"
#include "workers/image-build/flash_layout.h"
#include "workers/image-build/tree_scan.h"
#include "workers/sdk/station.h"

#include <filesystem>
#include <vector>

namespace lineside::image_build {

// Leaves flash.xml, the files it names, system.img(.raw) and, where the tool signs, signed/ in the
// lane's bootloader/. Errors: image.build, config.invalid, disk.full, tool.missing,
// operator.stopped, station.stopping.
[[nodiscard]] base::Status run_flash_sh(worker::Station& station, container::Runner& runner,
                                        const std::filesystem::path& lane,
                                        const BuildInputs& inputs, const Tick& tick);

// Of what the first run left. Errors: image.build.
[[nodiscard]] base::Result<std::vector<LayoutEntry>> read_layout(const std::filesystem::path& lane);

}  // namespace lineside::image_build
