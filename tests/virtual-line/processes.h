// SPDX-License-Identifier: Apache-2.0
// Other processes: run board-os and be told of its end, watch a unit's init, find who drives a
// board's flashing and kill it. Knows of the station's processes only what /proc shows.  Thread:
// main.
#pragma once

#include <sys/types.h>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "loop.h"

namespace line {

// Boards keep their time however busy the host is: from now on this process goes before what it
// starts. Without the right to it, nothing changes. Before any thread is started.
void be_as_punctual_as_hardware();

// Starts `arguments` with our environment less LD_PRELOAD and UMOCKDEV_DIR, output appended to
// `log`; calls `ended` with the exit status (128 + signal when killed). Returns the process id, or
// -1.
pid_t run_program(Loop& loop, const std::vector<std::string>& arguments,
                  const std::filesystem::path& log, std::function<void(int status)> ended);

// Calls `ended` once when the process is gone (at once if it is not there). Returns what to
// forget() to stop watching, or -1.
int watch_process(Loop& loop, pid_t pid, std::function<void()> ended);

struct Ancestor {
    pid_t pid = 0;
    std::string exe;      // base name
    std::string command;  // the command line, spaces between
};
// The process and its ancestors, nearest first.
std::vector<Ancestor> ancestry(pid_t pid);
// The worker among them: whose program's name holds `worker_exe`, or else the parent of the
// outermost flash.sh; 0 if there is none.
pid_t find_worker(const std::vector<Ancestor>& ancestors, const std::string& worker_exe);

}  // namespace line
