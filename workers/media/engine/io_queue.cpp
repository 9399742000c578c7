// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/medium.h"

#include <liburing.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace lineside::media {
namespace {

class UringQueue : public IoQueue {
  public:
    UringQueue(int fd, io_uring ring) : fd_(fd), ring_(ring) {}
    ~UringQueue() override { io_uring_queue_exit(&ring_); }
    UringQueue(const UringQueue&) = delete;
    UringQueue& operator=(const UringQueue&) = delete;

    void submit(const IoRequest& request) override {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        if (entry == nullptr) {
            io_uring_submit(&ring_);
            entry = io_uring_get_sqe(&ring_);
        }
        if (entry == nullptr) {
            throw std::logic_error("more requests than the ring holds");
        }
        const auto length = static_cast<unsigned>(request.length);
        if (request.kind == IoRequest::Kind::write) {
            io_uring_prep_write(entry, fd_, request.data, length, request.offset);
        } else {
            io_uring_prep_read(entry, fd_, request.data, length, request.offset);
        }
        io_uring_sqe_set_data64(entry, request.tag);
    }

    void wait(std::vector<IoDone>& done, std::chrono::milliseconds most) override {
        io_uring_cqe* first = nullptr;
        __kernel_timespec time{most.count() / 1000, (most.count() % 1000) * 1'000'000};
        io_uring_submit_and_wait_timeout(&ring_, &first, 1, &time, nullptr);
        unsigned head = 0, count = 0;
        io_uring_cqe* each = nullptr;
        io_uring_for_each_cqe(&ring_, head, each) {
            // liburing's own time-out carries this mark.
            if (each->user_data != LIBURING_UDATA_TIMEOUT) {
                done.push_back({static_cast<std::size_t>(each->user_data), each->res});
            }
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
    }

  private:
    int fd_;
    io_uring ring_;
};

// Where io_uring is forbidden (containers, hardened kernels): threads that each carry out one.
class ThreadQueue : public IoQueue {
  public:
    explicit ThreadQueue(int fd) : fd_(fd) {
        for (int i = 0; i < kThreads; ++i) {
            threads_.emplace_back([this] { serve(); });
        }
    }
    ~ThreadQueue() override {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wanted_.notify_all();
        for (std::thread& each : threads_) {
            each.join();
        }
    }
    ThreadQueue(const ThreadQueue&) = delete;
    ThreadQueue& operator=(const ThreadQueue&) = delete;

    void submit(const IoRequest& request) override {
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        wanted_.notify_one();
    }

    void wait(std::vector<IoDone>& done, std::chrono::milliseconds most) override {
        std::unique_lock lock(mutex_);
        ended_.wait_for(lock, most, [this] { return !done_.empty(); });
        done.insert(done.end(), done_.begin(), done_.end());
        done_.clear();
    }

  private:
    static constexpr int kThreads = 8;

    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wanted_.wait(lock, [this] { return ending_ || !requests_.empty(); });
            if (requests_.empty()) {
                return;
            }
            const IoRequest request = requests_.front();
            requests_.pop_front();
            lock.unlock();
            const auto offset = static_cast<off_t>(request.offset);
            const ssize_t got = request.kind == IoRequest::Kind::write
                                    ? ::pwrite(fd_, request.data, request.length, offset)
                                    : ::pread(fd_, request.data, request.length, offset);
            const std::int64_t result = got < 0 ? -errno : got;
            lock.lock();
            done_.push_back({request.tag, result});
            ended_.notify_one();
        }
    }

    int fd_;
    std::mutex mutex_;
    std::condition_variable wanted_, ended_;
    std::deque<IoRequest> requests_;  // below here: guarded by mutex_
    std::vector<IoDone> done_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<IoQueue> make_io_queue(int fd, IoKind kind) {
    if (kind == IoKind::best) {
        io_uring ring{};
        if (io_uring_queue_init(2 * IoQueue::kDepth, &ring, 0) == 0) {
            return std::make_unique<UringQueue>(fd, ring);
        }
    }
    return std::make_unique<ThreadQueue>(fd);
}

}  // namespace lineside::media
