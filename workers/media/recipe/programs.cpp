// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/programs.h"

#include "station/base/spawn_plan.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/media/formats/report.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace lineside::media {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr auto kTick = 50ms;
constexpr auto kGrace = 2s;  // from SIGTERM to SIGKILL

// A program that runs. Gone with its whole process group when this is.
class Running {
  public:
    Running(pid_t pid, base::UniqueFd output)
        : pid_(pid),
          output_(std::move(output)),
          pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    ~Running() {
        ::kill(-pid_, SIGKILL);
        reap();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    // Waits a little for words or for its end.
    void look(std::string& said) {
        std::array<pollfd, 2> fds{pollfd{output_.get(), POLLIN, 0},
                                  pollfd{pidfd_.get(), POLLIN, 0}};
        ::poll(fds.data(), fds.size(), static_cast<int>(kTick.count()));
        std::array<char, 4096> bytes{};
        for (ssize_t got = 1; output_ && got > 0;) {
            got = ::read(output_.get(), bytes.data(), bytes.size());
            if (got > 0) {
                said.append(bytes.data(), static_cast<std::size_t>(got));
            } else if (got == 0) {
                output_.reset();
            }
        }
        if (said.size() > Programs::kMostSaid) {
            said.erase(0, said.size() - Programs::kMostSaid);
        }
        // Asked, not told by poll(): without a pidfd (no descriptor was free) it is seen, too.
        ended_ = ended_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
    }
    void signal(int number) const { ::kill(-pid_, number); }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] int status() const { return status_; }

  private:
    void reap() {
        if (!ended_) {
            while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
            }
            ended_ = true;
        }
    }

    pid_t pid_;
    base::UniqueFd output_, pidfd_;
    bool ended_ = false;
    int status_ = 0;
};

// The end of what it said, for one sentence.
std::string last_words(std::string_view said) {
    said = trimmed(said);
    constexpr std::size_t kMost = 300;
    if (said.size() > kMost) {
        said.remove_prefix(said.size() - kMost);
    }
    std::string text;
    for (const char c : said) {
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return text;
}

base::Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& argv,
                          const std::vector<std::string>& more, int output) {
    std::vector<std::string> environment = more;  // goes before what follows
    environment.insert(environment.end(), {"PATH=" + std::string(kPath), "LC_ALL=C.UTF-8", "HOME=/",
                                           "MTOOLS_SKIP_CHECK=1"});  // its check is for floppies
    base::SpawnPlan plan(POSIX_SPAWN_SETPGROUP);
    ::posix_spawn_file_actions_addopen(plan.actions(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(plan.actions(), output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(plan.actions(), output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, program.c_str(), plan.actions(), plan.attributes(),
                      base::exec_list(argv).data(), base::exec_list(environment).data());
    if (error != 0) {
        return base::fail_errno("tool.missing", "cannot start " + program, error);
    }
    return pid;
}

}  // namespace

base::Result<std::string> Programs::find(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        if (::access(name.c_str(), X_OK) == 0) {
            return name;
        }
        return base::fail_errno("tool.missing", "cannot run " + std::string(shown(name)), errno);
    }
    for (const std::string_view folder : base::split(kPath, ':')) {
        std::string path = fmt::format("{}/{}", folder, name);
        if (::access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return base::fail("tool.missing", fmt::format("the program {} is not installed", shown(name)));
}

base::Result<std::string> Programs::run(const std::vector<std::string>& argv,
                                        const ProgramLimits& limits) const {
    const auto program = find(argv.at(0));
    if (!program) {
        return tl::unexpected<base::Error>(program.error());
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return base::fail_errno("tool.missing", "pipe", errno);
    }
    base::UniqueFd read(ends[0]), write(ends[1]);
    ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
    const auto pid = spawn(*program, argv, limits.environment, write.get());
    if (!pid) {
        return tl::unexpected<base::Error>(pid.error());
    }
    write.reset();
    Running running(*pid, std::move(read));
    const auto begin = Clock::now();
    std::optional<Clock::time_point> asked;
    bool stopped = false, overdue = false;
    std::string said;
    while (!running.ended()) {
        running.look(said);
        if (asked) {
            if (Clock::now() - *asked > kGrace) {
                running.signal(SIGKILL);
            }
            continue;
        }
        stopped = limits.may_be_stopped && stop_;
        overdue = Clock::now() - begin > limits.most;
        if (stopped || overdue) {
            running.signal(SIGTERM);
            asked = Clock::now();
        }
    }
    running.look(said);  // what it said last
    if (stopped) {
        return base::fail("operator.stopped");
    }
    const int status = running.status();
    if (overdue) {
        return base::fail("tool.failed",
                          fmt::format("{} took longer than {} s", argv[0], limits.most.count()));
    }
    if (WIFSIGNALED(status)) {
        return base::fail("tool.died",
                          fmt::format("{} was ended by signal {}", argv[0], WTERMSIG(status)));
    }
    if (WEXITSTATUS(status) != 0) {
        return base::fail("tool.failed", fmt::format("{} ended with {}: {}", argv[0],
                                                     WEXITSTATUS(status), last_words(said)));
    }
    return said;
}

}  // namespace lineside::media
