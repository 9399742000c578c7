// SPDX-License-Identifier: Apache-2.0
// How threads hand their closures to the store's threads, and wait for the outcome. Private to
// station/db.
#pragma once

#include "station/base/error.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace lineside::db {

// Where callers sleep until their commit is told, in a few rooms: to wake 64 threads one by one
// costs the writer a tenth of its time, so it wakes one room, and who slept there wakes the next.
class Rooms {
  public:
    std::size_t next() { return guests_.fetch_add(1, std::memory_order_relaxed) % kRooms; }
    int seen(std::size_t room) const { return rooms_[room].calls.load(); }
    void sleep(std::size_t room, int seen) { rooms_[room].calls.wait(seen); }
    void wake(std::size_t room) {
        rooms_[room].calls.fetch_add(1);
        rooms_[room].calls.notify_all();
    }

  private:
    static constexpr std::size_t kRooms = 16;
    struct alignas(64) Room {
        std::atomic<int> calls{0};
    };
    std::array<Room, kRooms> rooms_;
    std::atomic<std::size_t> guests_{0};
};

// A thread that waits for its outcome.
class Waiter {
  public:
    explicit Waiter(Rooms& rooms) : rooms_(rooms), room_(rooms.next()) {}
    base::Status wait() {
        while (true) {
            const int seen = rooms_.seen(room_);
            if (done_.load()) {
                if (next_room_) {
                    rooms_.wake(*next_room_);
                }
                return std::move(outcome_);
            }
            rooms_.sleep(room_, seen);
        }
    }
    std::size_t room() const { return room_; }
    // *this may be gone at once. Its room is woken thereafter.
    void answer(base::Status outcome, std::optional<std::size_t> then_wake) {
        outcome_ = std::move(outcome);
        next_room_ = then_wake;
        done_.store(true);
    }

  private:
    Rooms& rooms_;
    std::size_t room_;
    std::optional<std::size_t> next_room_;
    std::atomic<bool> done_{false};
    base::Status outcome_;
};

// First in, first out; take() gives everything that waits, so that one commit serves all.
template <typename T>
class Queue {
  public:
    void put(T item) {
        {
            const std::lock_guard hold(mutex_);
            items_.push_back(std::move(item));
            waiting_.store(true, std::memory_order_relaxed);
        }
        wake_.notify_one();
    }
    void close() {
        {
            const std::lock_guard hold(mutex_);
            closed_ = true;
        }
        wake_.notify_all();
    }
    // Empty only when closed and drained.
    std::deque<T> take(std::size_t most, std::chrono::microseconds before_sleep) {
        std::unique_lock hold(mutex_);
        if (!closed_ && items_.empty() && before_sleep.count() > 0) {
            hold.unlock();
            linger(before_sleep);
            hold.lock();
        }
        wake_.wait(hold, [&] { return closed_ || !items_.empty(); });
        std::deque<T> taken;
        while (!items_.empty() && taken.size() < most) {
            taken.push_back(std::move(items_.front()));
            items_.pop_front();
        }
        waiting_.store(!items_.empty(), std::memory_order_relaxed);
        return taken;
    }

  private:
    void linger(std::chrono::microseconds most) const {
        const auto until = std::chrono::steady_clock::now() + most;
        while (!waiting_.load(std::memory_order_relaxed) &&
               std::chrono::steady_clock::now() < until) {
            std::this_thread::yield();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<T> items_;
    std::atomic<bool> waiting_{false};  // what linger() sees of items_
    bool closed_ = false;
};

}  // namespace lineside::db
