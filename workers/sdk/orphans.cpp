// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/orphans.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace lineside::worker {
namespace {

// The numbers in a /proc of another PID namespace name other processes: then better see none.
bool proc_is_ours() {
    std::array<char, 32> text{};
    const auto length = ::readlink("/proc/self", text.data(), text.size());
    pid_t pid = 0;
    return length > 0 &&
           std::from_chars(text.data(), text.data() + length, pid).ec == std::errc{} &&
           pid == ::getpid();
}

}  // namespace

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

std::vector<pid_t> children() {
    std::vector<pid_t> out;
    if (!proc_is_ours()) {
        return out;
    }
    const auto self = std::to_string(::getpid());
    std::ifstream list("/proc/self/task/" + self + "/children");
    pid_t pid = 0;
    while (list >> pid) {
        out.push_back(pid);
    }
    return out;
}

unsigned kill_children(std::chrono::milliseconds within, pid_t ended) {
    const auto end = std::chrono::steady_clock::now() + within;
    std::set<pid_t> alive;
    while (true) {
        int status = 0;
        pid_t gone = 0;
        while ((gone = ::waitpid(-1, &status, WNOHANG)) > 0) {
        }
        const auto left = children();
        if (gone < 0 || left.empty() || std::chrono::steady_clock::now() > end) {
            return static_cast<unsigned>(alive.size());
        }
        for (const pid_t pid : left) {
            if (ended == 0 || ::getpgid(pid) != ended) {
                alive.insert(pid);
            }
            ::kill(pid, SIGKILL);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

}  // namespace lineside::worker
