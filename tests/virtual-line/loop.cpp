// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace line {

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (epoll_ < 0 || wake_ < 0) {
        throw std::runtime_error("cannot create the event loop");
    }
    watch(wake_, EPOLLIN, [this](std::uint32_t) { run_posted(); });
}

Loop::~Loop() {
    ::close(wake_);
    ::close(epoll_);
}

void Loop::watch(int fd, std::uint32_t events, Ready ready) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = (next_watch_ << 24) | static_cast<std::uint32_t>(fd);
    watched_[fd] = {next_watch_++, std::move(ready)};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::runtime_error("cannot watch a descriptor");
    }
}

void Loop::forget(int fd) {
    if (watched_.erase(fd) != 0) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    }
}

Loop::TimerId Loop::after(Seconds delay, Task task) {
    const auto when = Clock::now() + std::chrono::duration_cast<Clock::duration>(delay);
    timers_.emplace(when, std::make_pair(next_timer_, std::move(task)));
    return next_timer_++;
}

void Loop::cancel(TimerId id) {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
        if (it->second.first == id) {
            timers_.erase(it);
            return;
        }
    }
}

void Loop::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void Loop::stop() {
    post([this] { stopping_ = true; });
}

void Loop::run_posted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) {
        task();
    }
}

int Loop::timeout_ms() const {
    if (timers_.empty()) {
        return -1;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60000));
}

void Loop::run() {
    stopping_ = false;
    while (!stopping_) {
        epoll_event events[64];
        const int count = ::epoll_wait(epoll_, events, 64, timeout_ms());
        if (count < 0 && errno != EINTR) {
            throw std::runtime_error("epoll_wait failed");
        }
        for (int i = 0; i < count; i++) {
            const int fd = static_cast<int>(events[i].data.u64 & 0xffffff);
            const auto it = watched_.find(fd);
            // A handler run before may have closed this descriptor, or its number may be another's
            // by now.
            if (it == watched_.end() ||
                (it->second.first & 0xffffffffffULL) != events[i].data.u64 >> 24) {
                continue;
            }
            const auto ready = it->second.second;
            ready(events[i].events);
        }
        while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
            const auto task = std::move(timers_.begin()->second.second);
            timers_.erase(timers_.begin());
            task();
        }
    }
}

}  // namespace line
