// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

extern char** environ;

namespace line {
namespace {

int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::string read_all(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

pid_t parent_of(pid_t pid) {
    const auto text = read_all("/proc/" + std::to_string(pid) + "/stat");
    // The name is in brackets and may hold anything.
    const auto after = text.rfind(')');
    if (after == std::string::npos) {
        return 0;
    }
    std::istringstream rest(text.substr(after + 1));
    char state = 0;
    pid_t parent = 0;
    rest >> state >> parent;
    return parent;
}

std::optional<int> usual_priority;  // main thread's; absent = never changed

}  // namespace

void be_as_punctual_as_hardware() {
    usual_priority = ::getpriority(PRIO_PROCESS, 0);
    ::setpriority(PRIO_PROCESS, 0, *usual_priority - 10);
}

pid_t run_program(Loop& loop, const std::vector<std::string>& arguments,
                  const std::filesystem::path& log, std::function<void(int)> ended) {
    std::vector<char*> argv;
    for (const auto& one : arguments) {
        argv.push_back(const_cast<char*>(one.c_str()));
    }
    argv.push_back(nullptr);
    std::vector<char*> environment;
    for (char** one = environ; *one != nullptr; one++) {
        if (std::strncmp(*one, "LD_PRELOAD=", 11) != 0 &&
            std::strncmp(*one, "UMOCKDEV_DIR=", 13) != 0) {
            environment.push_back(*one);
        }
    }
    environment.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        loop.post([ended = std::move(ended)] { ended(127); });
        return -1;
    }
    if (usual_priority) {
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), *usual_priority);
    }
    const int fd = open_pidfd(pid);
    loop.watch(fd, EPOLLIN, [&loop, fd, pid, ended = std::move(ended)](std::uint32_t) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        loop.forget(fd);
        ::close(fd);
        ended(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    });
    return pid;
}

int watch_process(Loop& loop, pid_t pid, std::function<void()> ended) {
    const int fd = open_pidfd(pid);
    if (fd < 0) {
        loop.post(std::move(ended));
        return -1;
    }
    loop.watch(fd, EPOLLIN, [&loop, fd, ended = std::move(ended)](std::uint32_t) {
        const auto keep = ended;
        loop.forget(fd);
        ::close(fd);
        keep();
    });
    return fd;
}

std::vector<Ancestor> ancestry(pid_t pid) {
    std::vector<Ancestor> all;
    while (pid > 1 && all.size() < 64) {
        const auto folder = std::filesystem::path("/proc") / std::to_string(pid);
        Ancestor one;
        one.pid = pid;
        std::error_code ignored;
        one.exe = std::filesystem::read_symlink(folder / "exe", ignored).filename().string();
        one.command = read_all(folder / "cmdline");
        for (auto& c : one.command) {
            if (c == 0) {
                c = ' ';
            }
        }
        all.push_back(one);
        pid = parent_of(pid);
    }
    return all;
}

pid_t find_worker(const std::vector<Ancestor>& ancestors, const std::string& worker_exe) {
    for (const auto& one : ancestors) {
        if (one.exe.find(worker_exe) != std::string::npos) {
            return one.pid;
        }
    }
    pid_t found = 0;
    for (std::size_t i = 0; i + 1 < ancestors.size(); i++) {
        if (ancestors[i].command.find("flash.sh") != std::string::npos) {
            found = ancestors[i + 1].pid;
        }
    }
    return found;
}

}  // namespace line
