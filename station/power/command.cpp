// SPDX-License-Identifier: Apache-2.0
// A program of the site's that switches: its exit status 0 means done. No shell, nothing of the
// service's environment; killed with all it started when its time is up.
#include "station/base/spawn_plan.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/power/ways.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::power {
namespace {

constexpr std::size_t kMostComplaint = 200;  // of what it says on its standard error

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
    base::UniqueFd complaint;
};

int start(Child& child, const std::vector<std::string>& words) {
    std::array<int, 2> err{};
    if (::pipe2(err.data(), O_CLOEXEC) != 0) {
        return errno;
    }
    child.complaint.reset(err[0]);
    const base::UniqueFd says(err[1]);
    ::fcntl(err[0], F_SETFL, O_NONBLOCK);
    base::SpawnPlan plan(POSIX_SPAWN_SETSID);
    ::posix_spawn_file_actions_addopen(plan.actions(), 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(plan.actions(), 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(plan.actions(), says.get(), 2);
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
    const auto environment = base::plain_environment();
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
    std::string out(base::trim_blanks(text).substr(0, kMostComplaint));
    for (char& c : out) {
        c = c >= 0x20 && c < 0x7f ? c : ' ';
    }
    return out;
}

class Command final : public Way {
  public:
    explicit Command(const SwitchPlan& plan) : plan_(plan) {}

    base::Status set(bool on, Until until) override {
        const auto& words = on ? plan_.on_command : plan_.off_command;
        Child child;
        if (const int error = start(child, words); error != 0) {
            return base::fail_errno("power.failed", words.front() + " cannot be started", error);
        }
        std::string said;
        bool ended = false;
        while (!ended) {
            std::array<pollfd, 2> wanted{
                {{child.pidfd.get(), POLLIN, 0}, {child.complaint.get(), POLLIN, 0}}};
            if (::poll(wanted.data(), wanted.size(), left_ms(until)) == 0) {
                return base::fail("power.failed",
                                  fmt::format("{} did not end in time", words.front()));
            }
            ended = wanted[0].revents != 0;
            if (wanted[1].revents != 0 && !read_some(child, said)) {
                child.complaint.reset();  // closed: poll() passes over it
            }
        }
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED | WNOWAIT);
        if (info.si_code == CLD_EXITED && info.si_status == 0) {
            return {};
        }
        const std::string why = on_one_line(said);
        return base::fail("power.failed",
                          fmt::format("{} ended with {} {}{}{}", words.front(),
                                      info.si_code == CLD_EXITED ? "status" : "signal",
                                      info.si_status, why.empty() ? "" : ": ", why));
    }

  private:
    static bool read_some(Child& child, std::string& said) {
        std::array<char, 512> bytes{};
        const ssize_t count = ::read(child.complaint.get(), bytes.data(), bytes.size());
        if (count > 0 && said.size() < kMostComplaint) {
            said.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return count > 0 || (count < 0 && errno == EAGAIN);
    }
    const SwitchPlan plan_;
};

}  // namespace

std::unique_ptr<Way> command_way(const SwitchPlan& plan) {
    return std::make_unique<Command>(plan);
}

}  // namespace lineside::power
