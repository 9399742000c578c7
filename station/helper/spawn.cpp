// SPDX-License-Identifier: Apache-2.0
#include "station/helper/spawn.h"

#include "station/helper/init.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace lineside::helper {

base::Result<Spawned> spawn(const SpawnPlan& plan) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return base::fail_errno("worker.spawn", "socketpair", errno);
    }
    Spawned out;
    out.control = base::UniqueFd(pair[0]);
    base::UniqueFd init_end(pair[1]);
    const int on = 1;
    ::setsockopt(out.control.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    ::fcntl(out.control.get(), F_SETFL, O_NONBLOCK);

    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (plan.cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<unsigned>(plan.cgroup);
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        run_init(plan, init_end.get());
    }
    if (pid < 0) {
        return base::fail_errno("worker.spawn", "clone3", errno);
    }
    out.init = static_cast<pid_t>(pid);
    out.pidfd = base::UniqueFd(pidfd);
    return out;
}

}  // namespace lineside::helper
