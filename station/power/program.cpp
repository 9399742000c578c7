// SPDX-License-Identifier: Apache-2.0
#include "station/power/program.h"

#include "station/base/spawn_plan.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace lineside::power {
namespace {

constexpr std::size_t kMostSaid = 200;  // on each of its outputs

struct Output {
    base::UniqueFd from;
    std::string said;
    // False once it is closed.
    bool read_some() {
        std::array<char, 512> bytes{};
        const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
        if (count > 0 && said.size() < kMostSaid) {
            said.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return count > 0 || (count < 0 && errno == EAGAIN);
    }
};

struct Child {
    Child() = default;
    ~Child() {
        if (pid > 0) {
            ::kill(-pid, SIGKILL);  // its group, before its number can be used anew
            siginfo_t info{};
            ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    pid_t pid = 0;
    base::UniqueFd pidfd;
    std::array<Output, 2> outputs;  // standard output, standard error
};

int start(Child& child, const std::vector<std::string>& words,
          const std::vector<std::string>& environment) {
    base::SpawnPlan plan(POSIX_SPAWN_SETSID);
    ::posix_spawn_file_actions_addopen(plan.actions(), 0, "/dev/null", O_RDONLY, 0);
    std::array<base::UniqueFd, 2> theirs;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            return errno;
        }
        child.outputs[i].from.reset(ends[0]);
        theirs[i].reset(ends[1]);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        ::posix_spawn_file_actions_adddup2(plan.actions(), ends[1], static_cast<int>(i) + 1);
    }
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
    pid_t pid = 0;
    if (const int error =
            ::posix_spawn(&pid, words.front().c_str(), plan.actions(), plan.attributes(),
                          base::exec_list(words).data(), base::exec_list(environment).data());
        error != 0) {
        return error;
    }
    child.pid = pid;
    child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return child.pidfd ? 0 : errno;
}

std::string on_one_line(std::string_view text) {
    std::string out(text.substr(0, kMostSaid));
    for (char& c : out) {
        c = c >= 0x20 && c < 0x7f ? c : ' ';
    }
    return std::string(base::trim_blanks(out));
}

// False when the time is up.
bool wait_for_end(Child& child, Until until) {
    for (bool ended = false; !ended;) {
        std::array<pollfd, 3> wanted{{{child.pidfd.get(), POLLIN, 0},
                                      {child.outputs[0].from.get(), POLLIN, 0},
                                      {child.outputs[1].from.get(), POLLIN, 0}}};
        if (::poll(wanted.data(), wanted.size(), left_ms(until)) == 0) {
            return false;
        }
        ended = wanted[0].revents != 0;
        for (std::size_t i = 0; i < child.outputs.size(); ++i) {
            if (wanted[i + 1].revents != 0 && !child.outputs[i].read_some()) {
                child.outputs[i].from.reset();  // closed: poll() passes over it
            }
        }
    }
    return true;
}

}  // namespace

base::Result<std::string> run_program(const std::vector<std::string>& words,
                                      std::vector<std::string> environment, Until until) {
    for (auto& text : base::plain_environment()) {
        environment.push_back(std::move(text));
    }
    Child child;
    if (const int error = start(child, words, environment); error != 0) {
        return base::fail_errno("power.failed", words.front() + " cannot be started", error);
    }
    if (!wait_for_end(child, until)) {
        return base::fail("power.failed", fmt::format("{} did not end in time", words.front()));
    }
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED | WNOWAIT);
    if (info.si_code == CLD_EXITED && info.si_status == 0) {
        return on_one_line(child.outputs[0].said);
    }
    const std::string why = on_one_line(child.outputs[1].said);
    return base::fail("power.failed", fmt::format("{} ended with {} {}{}{}", words.front(),
                                                  info.si_code == CLD_EXITED ? "status" : "signal",
                                                  info.si_status, why.empty() ? "" : ": ", why));
}

}  // namespace lineside::power
