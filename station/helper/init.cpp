// SPDX-License-Identifier: Apache-2.0
#include "station/helper/init.h"

#include "station/helper/stage.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::helper {
namespace {

void say(int control, InitMessage::What what, int value, const char* step) {
    InitMessage message;
    message.what = what;
    message.value = value;
    std::strncpy(message.step, step, sizeof message.step - 1);
    (void)::send(control, &message, sizeof message, MSG_NOSIGNAL);
}

// As say(), with the worker's pid as the sender, which the kernel translates for the receiver.
void say_started(int control, pid_t worker) {
    InitMessage message;
    message.what = InitMessage::started;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> buffer{};
    iovec piece{&message, sizeof message};
    msghdr packet{};
    packet.msg_iov = &piece;
    packet.msg_iovlen = 1;
    packet.msg_control = buffer.data();
    packet.msg_controllen = buffer.size();
    cmsghdr* part = CMSG_FIRSTHDR(&packet);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_CREDENTIALS;
    part->cmsg_len = CMSG_LEN(sizeof(ucred));
    const ucred sender{worker, ::getuid(), ::getgid()};
    std::memcpy(CMSG_DATA(part), &sender, sizeof sender);
    (void)::sendmsg(control, &packet, MSG_NOSIGNAL);
}

struct WorkerFailure {
    const char* volatile step = nullptr;
    volatile int error = 0;
};

// The id calls go to the kernel directly: in the child of a vfork glibc's own versions may not be used.
bool drop_ids(const SpawnPlan& plan) {
    if (plan.root) {
        return true;
    }
    return ::syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) == 0 &&
           ::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0;
}

// Runs between vfork and exec, on the parent's memory: system calls only.
[[gnu::noinline]] void become_worker(const SpawnPlan& plan, char* const* argv, char* const* envp,
                                     WorkerFailure& failure) {
    const auto fail = [&](const char* step) {
        failure.error = errno;
        failure.step = step;
    };
    // Descriptors first: channel and output may be any numbers, so they go through high ones.
    const int channel = ::fcntl(plan.channel, F_DUPFD_CLOEXEC, 10);
    const int output = ::fcntl(plan.output, F_DUPFD_CLOEXEC, 10);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (channel < 0 || output < 0 || null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 ||
        ::dup2(output, 2) < 0 || ::dup2(channel, 3) < 0) {
        return fail("descriptors");
    }
    if (null == 0) {
        ::fcntl(0, F_SETFD, 0);
    }
    if (::close_range(4, ~0U, 0) != 0) {
        return fail("close_range");
    }
    ::setsid();
    ::umask(022);
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // 1, not 0: a limit of 0 does not keep the kernel from piping a core to a collector, 1 does both.
    const rlimit no_core{1, 1};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::chdir("/tmp") != 0) {
        return fail("limits");
    }
    if (!drop_ids(plan)) {
        return fail("drop root");
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail("no_new_privs");
    }
    ::execve(plan.executable.c_str(), argv, envp);
    fail("exec");
}

pid_t start_worker(const SpawnPlan& plan, WorkerFailure& failure) {
    std::vector<char*> environment;
    environment.reserve(plan.environment.size() + 1);
    for (const std::string& entry : plan.environment) {
        environment.push_back(const_cast<char*>(entry.c_str()));
    }
    environment.push_back(nullptr);
    std::array<char*, 2> argv{const_cast<char*>(plan.executable.c_str()), nullptr};
    const pid_t pid = ::vfork();
    if (pid == 0) {
        become_worker(plan, argv.data(), environment.data(), failure);
        ::_exit(127);
    }
    return pid;
}

// Reaps until the worker itself has ended; then returns its wait status.
bool reap(pid_t worker, int& worker_status) {
    while (true) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            return false;
        }
        if (pid == worker) {
            worker_status = status;
            return true;
        }
    }
}

[[noreturn]] void wait_for_worker(pid_t worker, int control, int signals) {
    while (true) {
        std::array<pollfd, 2> wanted{pollfd{signals, POLLIN, 0}, pollfd{control, POLLIN, 0}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) {
            ::_exit(1);
        }
        if ((wanted[0].revents & POLLIN) != 0) {
            signalfd_siginfo info{};
            (void)!::read(signals, &info, sizeof info);
            int status = 0;
            if (reap(worker, status)) {
                say(control, InitMessage::ended, status, "");
                ::_exit(0);
            }
        }
        if (wanted[1].revents != 0) {
            char order = 0;
            const ssize_t got = ::recv(control, &order, 1, MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                ::_exit(1);  // the helper is gone
            }
            if (got == 1 && order == 'T') {
                ::kill(-1, SIGTERM);
            }
        }
    }
}

}  // namespace

void run_init(const SpawnPlan& plan, int control) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "lineside-init");
    if (const StageFailure stage = set_stage(plan); stage.step != nullptr) {
        say(control, InitMessage::failed, stage.error, stage.step);
        ::_exit(1);
    }
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child, nullptr);
    WorkerFailure failure;
    const pid_t worker = start_worker(plan, failure);
    if (worker < 0) {
        say(control, InitMessage::failed, errno, "fork");
        ::_exit(1);
    }
    if (failure.step != nullptr) {
        say(control, InitMessage::failed, failure.error, failure.step);
        ::_exit(1);
    }
    say_started(control, worker);
    // Nothing of the helper or the worker stays open here: the service must see the worker's EOFs.
    const int high = ::fcntl(control, F_DUPFD_CLOEXEC, 10);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) {
        ::dup2(null, fd);
    }
    ::dup2(high, 3);
    ::close_range(4, ~0U, 0);
    const int signals = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    wait_for_worker(worker, 3, signals);
}

}  // namespace lineside::helper
