// SPDX-License-Identifier: Apache-2.0
#include "station/process/direct_launcher.h"

#include "station/base/files.h"
#include "station/base/spawn_plan.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace lineside::process {
namespace {

constexpr std::size_t kMaxManifest = 64 * 1024;

// `exec = "name"` of method.toml; the real parser is the helper's and the engine's.
std::string executable_of(const std::filesystem::path& folder, const std::string& method) {
    const auto manifest = base::read_file(folder / "method.toml", kMaxManifest);
    if (manifest) {
        const std::size_t key = manifest->find("exec");
        const std::size_t open = key == std::string::npos ? key : manifest->find('"', key);
        const std::size_t close = open == std::string::npos ? open : manifest->find('"', open + 1);
        if (close != std::string::npos) {
            return folder / manifest->substr(open + 1, close - open - 1);
        }
    }
    return folder / method;
}

int spawn(const std::string& path, char* const* environment, const WorkerEnds& ends, pid_t& pid) {
    base::SpawnPlan plan(POSIX_SPAWN_SETSID);
    ::posix_spawn_file_actions_addopen(plan.actions(), 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(plan.actions(), ends.output.get(), 1);
    ::posix_spawn_file_actions_adddup2(plan.actions(), ends.output.get(), 2);
    ::posix_spawn_file_actions_adddup2(plan.actions(), ends.channel.get(), 3);
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 4);
    std::array<char*, 2> argv{const_cast<char*>(path.c_str()), nullptr};
    return ::posix_spawn(&pid, path.c_str(), plan.actions(), plan.attributes(), argv.data(),
                         environment);
}

}  // namespace

struct DirectLauncher::Child : std::enable_shared_from_this<Child> {
    explicit Child(const boost::asio::any_io_executor& executor) : pidfd(executor) {}

    void watch() {
        pidfd.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](boost::system::error_code error) {
                             if (!error) {
                                 self->gone();
                             }
                         });
    }
    void gone() {
        siginfo_t info{};
        const auto fd = static_cast<id_t>(pidfd.native_handle());
        ::waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT);
        ::kill(-pid, SIGKILL);  // its group, before its number can be used anew
        ::waitid(P_PIDFD, fd, &info, WEXITED);
        running = false;
        const bool exited = info.si_code == CLD_EXITED;
        session->exited(ExitStatus{exited ? info.si_status : 0, exited ? 0 : info.si_status});
    }
    void signal(int number) const {
        if (running) {
            ::kill(-pid, number);
        }
    }

    pid_t pid = 0;
    bool running = true;
    boost::asio::posix::stream_descriptor pidfd;
    std::shared_ptr<Session> session;
};

DirectLauncher::DirectLauncher(boost::asio::any_io_executor executor, DirectOptions options)
    : executor_(std::move(executor)), options_(std::move(options)) {}

DirectLauncher::~DirectLauncher() {
    for (const auto& [job, weak] : children_) {
        if (const auto child = weak.lock()) {
            child->signal(SIGKILL);
        }
    }
}

std::shared_ptr<Worker> DirectLauncher::start(WorkerSpec spec, WorkerEvents events) {
    auto session =
        std::make_shared<Session>(executor_, std::move(spec), std::move(events), options_.limits);
    auto ends = session->open();
    if (!ends) {
        session->not_started(ends.error());
        return session;
    }
    const std::string& method = session->spec().method;
    const std::string path = executable_of(options_.methods / method, method);
    std::vector<std::string> variables{
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp",
        "LANG=C.UTF-8", fmt::format("LINESIDE_JOB={}", session->spec().job)};
    variables.insert(variables.end(), options_.environment.begin(), options_.environment.end());
    std::vector<char*> environment;
    environment.reserve(variables.size() + 1);
    for (std::string& variable : variables) {
        environment.push_back(variable.data());
    }
    environment.push_back(nullptr);
    auto child = std::make_shared<Child>(executor_);
    if (const int error = spawn(path, environment.data(), *ends, child->pid); error != 0) {
        session->not_started(base::fail_errno("worker.spawn", path, error).value());
        return session;
    }
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child->pid, 0));
    child->pidfd.assign(pidfd);
    child->session = session;
    children_[session->spec().job] = child;
    session->set_control(
        {[child] { child->signal(SIGTERM); }, [child] { child->signal(SIGKILL); }});
    child->watch();
    session->started();
    return session;
}

void DirectLauncher::clean(std::int64_t job, std::function<void(base::Status)> done) {
    if (const auto it = children_.find(job); it != children_.end()) {
        if (const auto child = it->second.lock()) {
            child->signal(SIGKILL);
        }
        children_.erase(it);
    }
    boost::asio::post(executor_, [done = std::move(done)] { done(base::Status{}); });
}

void DirectLauncher::publish_image(std::int64_t /*job*/, std::string /*key*/,
                                   std::function<void(base::Status)> done) {
    boost::asio::post(executor_, [done = std::move(done)] {
        done(base::fail("helper.refused", "images need the root helper"));
    });
}

void DirectLauncher::switch_port(const std::string& /*port*/, bool /*on*/,
                                 std::function<void(base::Status)> done) {
    boost::asio::post(executor_, [done = std::move(done)] {
        done(base::fail("helper.refused", "hub ports need the root helper"));
    });
}

}  // namespace lineside::process
