// SPDX-License-Identifier: Apache-2.0
// Slow work of the helper (a disk, a hub) in a child process of its own, so that its loop never
// waits.   Thread: the helper's only one.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <sys/types.h>

#include <functional>

namespace lineside::helper {

// A child process that does one slow thing; its exit status 0 means done.
struct Task {
    pid_t pid = 0;
    base::UniqueFd pidfd;
};

// `work` gives the exit status. Of the helper's descriptors the child keeps `kept` and 0 to 2.
// Errors: lane.failed (no process could be made).
[[nodiscard]] base::Result<Task> in_child(const std::function<int()>& work, int kept = -1);

}  // namespace lineside::helper
