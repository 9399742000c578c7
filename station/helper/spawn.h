// SPDX-License-Identifier: Apache-2.0
// One worker in a PID and mount namespace of its own. Between helper and worker stands init, a copy
// of the helper that mounts, waits for its order, starts the worker, reaps, and ends when the
// worker ends; the kernel then kills what is left, however it hid. Init dies with the helper
// (PDEATHSIG). An init may be made long before its order comes: what it has mounted by then suits
// any worker. Steps that fail in the child come back as an InitMessage with the step's name and
// errno. Thread: the helper's only one.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::helper {

// What init mounts before it knows its worker.
struct StagePlan {
    std::vector<std::string> read_only;  // bound read-only onto themselves
    std::vector<std::string> hide;       // an empty tmpfs (folder) or /dev/null (file) over each
    std::vector<std::string> keep;       // put back although below /tmp or a hidden folder
    std::vector<std::string> places;     // folders that lanes may come from, hidden or not
    std::string tmp_options;             // of the private /tmp
    int cgroup = -1;                     // folder of the cgroup, or -1
};

// What init is told then.
struct WorkerOrder {
    std::string executable;
    std::vector<std::string> environment;  // NAME=VALUE
    bool root = false;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string lane_lower;   // "" = no lane; below one of the places
    std::string lane_folder;  // <lanes>/<job>, with upper and work in it
    bool try_overlay = true;
    bool try_copy = true;
};

// What init says to the helper, one packet each.
struct InitMessage {
    enum What : int { started = 1, failed = 2, ended = 3 };
    int what = 0;
    int value = 0;       // failed: errno; ended: the wait status of the worker
    char step[56] = {};  // failed: what was being done
};

struct Init {
    pid_t pid = 0;
    base::UniqueFd pidfd;
    base::UniqueFd
        mounts;  // its mount namespace: kept so that its end need not wait for the unmounting
    base::UniqueFd control;  // InitMessages come from here; the byte 'T' sent = SIGTERM to all
};

[[nodiscard]] base::Result<Init> make_init(const StagePlan& plan);
// Makes `init` start its worker; once only. The descriptors become the worker's 3 and 1, 2.
[[nodiscard]] base::Status give_order(const Init& init, const WorkerOrder& order, int channel,
                                      int output);

// What an init that failed said about it, when it did; taken out of the control socket.
[[nodiscard]] std::optional<base::Error> last_words(const Init& init);

// The order as it travels.
constexpr std::size_t kMaxOrder = 16 * 1024;
[[nodiscard]] std::string format_order(const WorkerOrder& order);
[[nodiscard]] base::Result<WorkerOrder> parse_order(std::string_view text);

}  // namespace lineside::helper
