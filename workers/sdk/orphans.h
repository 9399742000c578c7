// SPDX-License-Identifier: Apache-2.0
// What a tool leaves behind. With PR_SET_CHILD_SUBREAPER every descendant that loses its parent,
// also one that called setsid, becomes a child of this process; so "all my children" is all there
// is. REQUIRES: the process has no children but the tool's.   Thread: one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace lineside::worker {

void adopt_orphans();  // PR_SET_CHILD_SUBREAPER, once
// Direct children, zombies included; empty when /proc is not of our own PID namespace.
[[nodiscard]] std::vector<pid_t> children();
// SIGKILL to every child until none is left or the time is over. Gives how many were alive, less
// those of the process group `ended` (0 = none): that was killed already, its members are dying.
unsigned kill_children(std::chrono::milliseconds within, pid_t ended = 0);

}  // namespace lineside::worker
