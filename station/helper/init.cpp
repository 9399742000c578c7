// SPDX-License-Identifier: Apache-2.0
#include "station/helper/init.h"

#include "station/helper/packet.h"
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

constexpr int kNice = 5;

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

struct Ends {
    int channel = -1;
    int output = -1;
};

struct WorkerFailure {
    const char* volatile step = nullptr;
    volatile int error = 0;
};

// The id calls go to the kernel directly: in the child of a vfork glibc's own versions may not be
// used.
bool drop_ids(const WorkerOrder& order) {
    if (order.root) {
        return true;
    }
    return ::syscall(SYS_setgroups, order.groups.size(), order.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, order.gid, order.gid, order.gid) == 0 &&
           ::syscall(SYS_setresuid, order.uid, order.uid, order.uid) == 0;
}

// Runs between vfork and exec, on the parent's memory: system calls only. What it inherits is set
// already, see prepare(); 0 is /dev/null, and the channel takes the place of init's own 3.
[[gnu::noinline]] void become_worker(const WorkerOrder& order, const Ends& ends, char* const* argv,
                                     char* const* envp, WorkerFailure& failure) {
    const auto fail = [&](const char* step) {
        failure.error = errno;
        failure.step = step;
    };
    if (::dup2(ends.output, 1) < 0 || ::dup2(ends.output, 2) < 0 || ::dup2(ends.channel, 3) < 0 ||
        ::close_range(4, ~0U, 0) != 0) {
        return fail("descriptors");
    }
    ::setsid();
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!drop_ids(order)) {
        return fail("drop root");
    }
    ::execve(order.executable.c_str(), argv, envp);
    fail("exec");
}

// What the worker inherits, done while nobody waits. Returns the step that failed.
const char* prepare() {
    ::umask(022);
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL);
    }
    // Sixteen flash tools that start at once leave the service and the page their share of the
    // processor.
    if (::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kNice) != 0) {
        return "lower its priority";
    }
    // 1, not 0: a limit of 0 does not keep the kernel from piping a core to a collector, 1 does
    // both.
    const rlimit no_core{1, 1};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) {
        return "limit core dumps";
    }
    if (::chdir("/tmp") != 0) {
        return "change to /tmp";
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return "no_new_privs";
    }
    // Reads an order once, so that the memory this touches is ours by the time a real one comes.
    WorkerOrder order;
    order.executable = "/";
    order.environment.assign(8,
                             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    return parse_order(format_order(order)) ? nullptr : "read an order";
}

pid_t start_worker(const WorkerOrder& order, const Ends& ends, WorkerFailure& failure) {
    std::vector<char*> environment;
    environment.reserve(order.environment.size() + 1);
    for (const std::string& entry : order.environment) {
        environment.push_back(const_cast<char*>(entry.c_str()));
    }
    environment.push_back(nullptr);
    std::array<char*, 2> argv{const_cast<char*>(order.executable.c_str()), nullptr};
    const pid_t pid = ::vfork();
    if (pid == 0) {
        become_worker(order, ends, argv.data(), environment.data(), failure);
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

[[noreturn]] void give_up(int control, const char* step, int error) {
    say(control, InitMessage::failed, error, step);
    ::_exit(1);
}

int leave_descriptors(int control) {
    const int high = ::fcntl(control, F_DUPFD_CLOEXEC, 10);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) {
        ::dup2(null, fd);
    }
    ::dup3(high, 3, O_CLOEXEC);
    ::close_range(4, ~0U, 0);
    return 3;
}

// Sleeps until the helper says what to start; ends with the helper.
Packet wait_for_order(int control) {
    Packet packet;
    packet.text.resize(kMaxOrder);  // now, not when the order is there and somebody waits
    while (true) {
        pollfd wanted{control, POLLIN, 0};
        if (::poll(&wanted, 1, -1) < 0 && errno != EINTR) {
            ::_exit(1);
        }
        switch (receive_packet(control, kMaxOrder, packet)) {
            case Received::packet:
                return packet;
            case Received::nothing_yet:
                break;
            default:
                ::_exit(1);
        }
    }
}

}  // namespace

void run_init(const StagePlan& plan, int inherited) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "lineside-init");
    // Nothing of the helper stays open here: its callers and other workers must see their ends of
    // file.
    const int control = leave_descriptors(inherited);
    Places places;
    if (const StageFailure stage = set_stage(plan, places); stage.step != nullptr) {
        give_up(control, stage.step, stage.error);
    }
    if (const char* step = prepare(); step != nullptr) {
        give_up(control, step, errno);
    }
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child, nullptr);
    const int signals = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);

    Packet packet = wait_for_order(control);
    const auto order = parse_order(packet.text);
    if (!order || packet.fds.size() != 2) {
        give_up(control, "read its order", EINVAL);
    }
    if (const StageFailure lane = mount_lane(*order, places); lane.step != nullptr) {
        give_up(control, lane.step, lane.error);
    }
    WorkerFailure failure;
    const pid_t worker = start_worker(*order, {packet.fds[0].get(), packet.fds[1].get()}, failure);
    if (worker < 0) {
        give_up(control, "fork", errno);
    }
    if (failure.step != nullptr) {
        give_up(control, failure.step, failure.error);
    }
    packet.fds.clear();
    places.clear();
    say_started(control, worker);
    wait_for_worker(worker, control, signals);
}

}  // namespace lineside::helper
