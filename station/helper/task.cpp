// SPDX-License-Identifier: Apache-2.0
#include "station/helper/task.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace lineside::helper {

base::Result<Task> in_child(const std::function<int()>& work, int kept) {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::prctl(PR_SET_NAME, "lineside-disk");
        unsigned first = 3;
        if (kept >= 0) {
            first = ::dup2(kept, 3) == 3 ? 4 : 3;
        }
        ::close_range(first, ~0U, 0);
        ::_exit(work());
    }
    if (pid < 0) {
        return base::fail_errno("lane.failed", "clone3", errno);
    }
    return Task{static_cast<pid_t>(pid), base::UniqueFd(pidfd)};
}

}  // namespace lineside::helper
