// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/transfer.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cerrno>
#include <stdexcept>

namespace lineside::media {
namespace {

using std::chrono::milliseconds;

// A stop is looked for at least this often; the answer of a slow medium is not waited for longer.
constexpr milliseconds kTick{20};
// What is read is hashed while it is still in a core's cache: the parts are small, and few.
constexpr std::size_t kReadBuffers = 8;
constexpr std::uint64_t kReadPart = 128 * 1024;
constexpr std::uint64_t kMostWindow = IoQueue::kDepth * kPieceBytes;
constexpr std::uint64_t kLeastRequest = 64 * 1024;

std::uint64_t whole_blocks(const Extent& range) {
    return (range.end - range.begin) / kAlignment * kAlignment;
}

// Page-aligned memory for reads.
class Buffers {
  public:
    Buffers()
        : begin_(::mmap(nullptr, kReadBuffers * kReadPart, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (begin_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
    }
    ~Buffers() { ::munmap(begin_, kReadBuffers * kReadPart); }
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    [[nodiscard]] std::byte* at(std::size_t slot) const {
        return static_cast<std::byte*>(begin_) + slot * kReadPart;
    }

  private:
    void* begin_;
};

}  // namespace

void Window::done(std::uint64_t bytes) {
    counted_ += bytes;
    const auto now = Clock::now();
    const std::chrono::duration<double> past = now - since_;
    if (past < milliseconds(50) || counted_ == 0) {
        return;
    }
    const double rate = static_cast<double>(counted_) / past.count();
    const double within = std::chrono::duration<double>(within_).count();
    const auto wanted = static_cast<std::uint64_t>(rate * within);
    // Rises by half at most each time, so that a burst into a cache does not fill the queue.
    bytes_ = std::clamp(std::min(wanted, bytes_ + bytes_ / 2), 2 * kLeastRequest, kMostWindow);
    since_ = now;
    counted_ = 0;
}

std::size_t Window::request() const {
    return static_cast<std::size_t>(
        std::clamp(std::bit_floor(bytes_ / 16), kLeastRequest, kPieceBytes));
}

Transfer::Transfer(Medium& medium, milliseconds in_flight, const std::atomic<bool>& stop)
    : medium_(medium), stop_(stop), window_(in_flight) {}

void Transfer::send(std::size_t slot, IoRequest::Kind kind) {
    Part& part = parts_[slot];
    medium_.queue().submit(
        {kind, part.offset + part.done, part.data + part.done, part.length - part.done, slot});
}

int Transfer::answer(const IoDone& each, IoRequest::Kind kind, bool& ended) {
    Part& part = parts_[each.tag];
    ended = false;
    if (each.result == -EINTR || each.result == -EAGAIN) {
        send(each.tag, kind);
        return 0;
    }
    if (each.result <= 0) {
        // Nothing, and no reason: a medium ends before its end.
        return each.result == 0 ? ENOSPC : static_cast<int>(-each.result);
    }
    const auto got = std::min(static_cast<std::size_t>(each.result), part.length - part.done);
    if (part.done + got < part.length) {
        // Goes on at a whole block, also where the answer did not end at one.
        const std::size_t step = got / kAlignment * kAlignment;
        if (step == 0) {
            return EIO;
        }
        part.done += step;
        send(each.tag, kind);
        return 0;
    }
    part.done = part.length;
    under_way_ -= part.length;
    window_.done(part.length);
    ended = true;
    return 0;
}

void Transfer::begin(std::size_t slots) {
    parts_.assign(slots, {});
    free_.clear();
    for (std::size_t i = slots; i-- > 0;) {
        free_.push_back(i);
    }
}

IoFailure Transfer::collect(IoRequest::Kind kind, const std::function<void(const Part&)>& ended) {
    done_.clear();
    medium_.queue().wait(done_, kTick);
    IoFailure failure;
    for (const IoDone& each : done_) {
        bool whole = false;
        const Part& part = parts_[each.tag];
        if (const int error = answer(each, kind, whole); error != 0) {
            failure = {error, part.offset + part.done};
        } else if (whole) {
            ended(part);
        } else {
            continue;  // the rest of it is on its way
        }
        free_.push_back(each.tag);
    }
    return failure;
}

// What is under way is waited for whatever happens: its memory must not be given away.
IoFailure Transfer::drain(IoFailure why) {
    std::size_t left = parts_.size() - free_.size();
    while (left > 0) {
        done_.clear();
        medium_.queue().wait(done_, kTick);
        left -= std::min(left, done_.size());
    }
    parts_.clear();
    free_.clear();
    under_way_ = 0;
    return why;
}

IoFailure Transfer::write(const std::vector<Extent>& ranges,
                          const std::function<std::byte*(std::uint64_t)>& bytes_at,
                          std::atomic<std::uint64_t>& counter) {
    begin(IoQueue::kDepth);
    std::size_t next = 0;
    std::uint64_t at = 0;  // bytes of ranges[next] that are on their way
    for (;;) {
        if (stop_) {
            return drain({ECANCELED, 0});
        }
        while (next < ranges.size() && !free_.empty() &&
               (under_way_ == 0 || under_way_ + window_.request() <= window_.bytes())) {
            const std::uint64_t left = whole_blocks(ranges[next]) - at;
            if (left == 0) {
                ++next;
                at = 0;
                continue;
            }
            const std::uint64_t offset = ranges[next].begin + at;
            const auto length =
                static_cast<std::size_t>(std::min<std::uint64_t>(left, window_.request()));
            const std::size_t slot = free_.back();
            free_.pop_back();
            parts_[slot] = {offset, bytes_at(offset), length, 0, next};
            under_way_ += length;
            at += length;
            send(slot, IoRequest::Kind::write);
        }
        if (free_.size() == parts_.size()) {
            break;
        }
        const IoFailure failure =
            collect(IoRequest::Kind::write, [&](const Part& part) { counter += part.length; });
        if (failure) {
            return drain(failure);
        }
    }
    return drain({});
}

IoFailure Transfer::read(const std::vector<Extent>& ranges, const Take& take) {
    const Buffers buffers;
    begin(kReadBuffers);
    // Part number n is in slot n % kReadBuffers from when it is asked for until it is taken.
    std::array<bool, kReadBuffers> came{};
    std::size_t asked = 0, taken = 0;
    std::size_t next = 0;
    std::uint64_t at = 0;  // bytes of ranges[next] that were asked for
    bool wanted = true;
    for (;;) {
        if (stop_) {
            return drain({ECANCELED, 0});
        }
        while (wanted && next < ranges.size() && asked - taken < kReadBuffers &&
               (under_way_ == 0 || under_way_ + kReadPart <= window_.bytes())) {
            const std::uint64_t whole = whole_blocks(ranges[next]);
            const auto length = static_cast<std::size_t>(std::min(whole - at, kReadPart));
            const std::size_t slot = asked++ % kReadBuffers;
            parts_[slot] = {ranges[next].begin + at, buffers.at(slot), length, 0, next};
            came[slot] = length == 0;
            if (length > 0) {
                free_.pop_back();  // counts what the queue has, whichever it is
                under_way_ += length;
                send(slot, IoRequest::Kind::read);
            }
            at += length;
            if (at == whole) {
                ++next;
                at = 0;
            }
        }
        for (; taken < asked && came[taken % kReadBuffers]; ++taken) {
            const Part& part = parts_[taken % kReadBuffers];
            wanted = wanted && take(part.range, part.offset - ranges[part.range].begin,
                                    {part.data, part.length});
        }
        if (taken < asked) {
            const IoFailure failure = collect(IoRequest::Kind::read, [&](const Part& part) {
                came[static_cast<std::size_t>(&part - parts_.data())] = true;
            });
            if (failure) {
                return drain(failure);
            }
        } else if (!wanted || next == ranges.size()) {
            return drain({});
        }
    }
}

}  // namespace lineside::media
