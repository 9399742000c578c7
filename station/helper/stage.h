// SPDX-License-Identifier: Apache-2.0
// The mounts a worker sees: its own /proc and /tmp, its lane, the image cache read-only, the
// service's folders hidden. Called by init inside the new mount namespace, which vanishes with it.
// Thread: init's only one.
#pragma once

#include "station/helper/spawn.h"

namespace lineside::helper {

// Why the stage could not be set: the step and its errno.
struct StageFailure {
    const char* step = nullptr;  // null = all is well
    int error = 0;
};

[[nodiscard]] StageFailure set_stage(const SpawnPlan& plan);

}  // namespace lineside::helper
