// SPDX-License-Identifier: Apache-2.0
// Process 1 of a worker's PID namespace: sets the stage, waits for its order, starts the worker,
// reaps, ends with it. Runs in a fresh copy of the single-threaded helper and never returns.
// Thread: its own only one.
#pragma once

#include "station/helper/spawn.h"

namespace lineside::helper {

[[noreturn]] void run_init(const StagePlan& plan, int control);

}  // namespace lineside::helper
