// SPDX-License-Identifier: Apache-2.0
// What posix_spawn is told about a child that begins clean: no signal blocked, each as by default;
// its words and its environment as posix_spawn takes them.
// Thread: one.
#pragma once

#include <spawn.h>

#include <csignal>
#include <string>
#include <vector>

namespace lineside::base {

// Good as long as `texts` is, ended by a null. posix_spawn's type is not const, but it writes
// nothing.
[[nodiscard]] inline std::vector<char*> exec_list(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        list.push_back(const_cast<char*>(text.c_str()));
    }
    list.push_back(nullptr);
    return list;
}

// For a program that shall see nothing of the service's.
[[nodiscard]] inline std::vector<std::string> plain_environment() {
    return {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"};
}

class SpawnPlan {
  public:
    // `flags`: POSIX_SPAWN_SETSID, or POSIX_SPAWN_SETPGROUP for a group of its own.
    explicit SpawnPlan(int flags) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags | POSIX_SPAWN_SETSIGMASK |
                                                                    POSIX_SPAWN_SETSIGDEF));
    }
    ~SpawnPlan() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    [[nodiscard]] posix_spawn_file_actions_t* actions() { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

}  // namespace lineside::base
