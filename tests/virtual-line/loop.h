// SPDX-License-Identifier: Apache-2.0
// The line's main loop: descriptors, timers and work posted from other threads, all run on the
// thread that calls run(). Everything that changes a board's life happens here, so none of it needs
// a lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace line {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

class Loop {
  public:
    using Task = std::function<void()>;
    using Ready = std::function<void(std::uint32_t events)>;
    using TimerId = std::uint64_t;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Calls `ready` whenever epoll reports `events` on `fd`. Thread: main.
    void watch(int fd, std::uint32_t events, Ready ready);
    void forget(int fd);
    // Runs `task` once after `delay`. Thread: main.
    TimerId after(Seconds delay, Task task);
    void cancel(TimerId id);
    // Runs `task` on the main thread soon. Thread: any.
    void post(Task task);
    // Runs until stop(). Thread: main.
    void run();
    void stop();

  private:
    void run_posted();
    int timeout_ms() const;

    int epoll_ = -1;
    int wake_ = -1;
    bool stopping_ = false;
    TimerId next_timer_ = 1;
    std::multimap<Clock::time_point, std::pair<TimerId, Task>> timers_;
    std::unordered_map<int, std::pair<std::uint64_t, Ready>> watched_;
    std::uint64_t next_watch_ = 1;
    std::mutex mutex_;
    std::vector<Task> posted_;
};

}  // namespace line
