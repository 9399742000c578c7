// SPDX-License-Identifier: Apache-2.0
// The mounts a worker sees: its own /proc and /tmp, the image cache read-only, the service's
// folders hidden, and its lane. Called by init inside the new mount namespace, which vanishes with
// it. Thread: init's only one.
#pragma once

#include "station/base/unique_fd.h"
#include "station/helper/spawn.h"

#include <string>
#include <utility>
#include <vector>

namespace lineside::helper {

// Why something could not be mounted: the step and its errno.
struct StageFailure {
    const char* step = nullptr;  // null = all is well
    int error = 0;
};

// Folders opened before anything was hidden: path and descriptor.
using Places = std::vector<std::pair<std::string, base::UniqueFd>>;

[[nodiscard]] StageFailure set_stage(const StagePlan& plan, Places& places);
[[nodiscard]] StageFailure mount_lane(const WorkerOrder& order, const Places& places);

}  // namespace lineside::helper
