// SPDX-License-Identifier: Apache-2.0
// Starts one worker in a PID and mount namespace of its own. Between helper and worker stands init, a
// copy of the helper that mounts, starts the worker, reaps, and ends when the worker ends; the kernel
// then kills what is left, however it hid. Init dies with the helper (PDEATHSIG).
// Errors of the steps in the child come back as an InitMessage with the step's name and errno.
// Thread: the helper's only one.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <string>
#include <utility>
#include <vector>

namespace lineside::helper {

// Everything the child needs, prepared before the clone: the child allocates as little as it can.
struct SpawnPlan {
    std::string executable;
    std::vector<std::string> environment;  // NAME=VALUE
    bool root = false;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;

    std::string lane_lower;   // "" = no lane
    std::string lane_upper, lane_work;
    std::string lane_copy;    // where a copy goes when overlayfs is not to be had
    bool try_overlay = true;
    bool try_copy = true;

    std::vector<std::string> read_only;  // bound read-only onto themselves
    std::vector<std::string> hide;       // an empty tmpfs (folder) or /dev/null (file) over each
    std::vector<std::string> keep;       // put back although below /tmp or a hidden folder
    std::string tmp_options;             // of the private /tmp
    int cgroup = -1;                     // folder of the job's cgroup, or -1
    int channel = -1;                    // becomes 3
    int output = -1;                     // becomes 1 and 2
};

// What init says to the helper, one packet each.
struct InitMessage {
    enum What : int { started = 1, failed = 2, ended = 3 };
    int what = 0;
    int value = 0;        // failed: errno; ended: the wait status of the worker
    char step[56] = {};   // failed: what was being done
};

struct Spawned {
    pid_t init = 0;
    base::UniqueFd pidfd;
    base::UniqueFd control;  // InitMessages come from here; the byte 'T' sent = SIGTERM to all
};

[[nodiscard]] base::Result<Spawned> spawn(const SpawnPlan& plan);

}  // namespace lineside::helper
