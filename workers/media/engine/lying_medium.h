// SPDX-License-Identifier: Apache-2.0
// A medium for tests that lies as it is told: it answers short, fails, forgets, changes a bit after
// it said yes, is smaller than it says, or leaves in the middle. What it holds is in memory.
// Test only.   Thread: one.
#pragma once

#include "workers/media/engine/medium.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace lineside::media {

struct Lies {
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t real_size = kNever;       // bytes; above it nothing is kept
    bool wraps = false;                     // and above it writes land at the beginning again
    std::uint64_t short_every = 0;          // each such request is answered with a part of it
    std::uint64_t write_fails_at = kNever;  // EIO for a write that covers this byte
    std::uint64_t read_fails_at = kNever;
    std::uint64_t flips_at = kNever;     // after the flush one bit of this byte is another
    std::uint64_t misreads_at = kNever;  // the first read of this byte gives another bit
    std::uint64_t gone_after = kNever;   // bytes written and read, then ENODEV
    bool gone_as_eio = false;            // as the kernel tells it for many a reader
    bool flush_fails = false;
    bool keeps_nothing = false;  // says yes to all writes
    int stalls = 0;              // that many waits bring nothing
};

class LyingMedium : public Medium, public IoQueue {
  public:
    LyingMedium(std::uint64_t claimed, Lies lies)
        : claimed_(claimed),
          lies_(lies),
          bytes_(std::min(claimed, lies.real_size), std::byte{0x55}) {}

    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    // Of writes: what was under way when the stop came.
    [[nodiscard]] std::uint64_t submitted() const { return submitted_; }

    // Medium
    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] std::uint64_t size() const override { return claimed_; }
    [[nodiscard]] IoQueue& queue() override { return *this; }
    [[nodiscard]] int write_odd(std::uint64_t offset, std::span<const std::byte> bytes) override {
        const auto done = move(offset, bytes.size(), bytes.data(), nullptr);
        return done < 0 ? static_cast<int>(-done) : 0;
    }
    [[nodiscard]] int read_odd(std::uint64_t offset, std::span<std::byte> bytes) override {
        const auto done = move(offset, bytes.size(), nullptr, bytes.data());
        return done < 0 ? static_cast<int>(-done) : 0;
    }
    [[nodiscard]] int zero(std::uint64_t begin, std::uint64_t end) override {
        const std::vector<std::byte> zeros(static_cast<std::size_t>(end - begin));
        return write_odd(begin, zeros);
    }
    [[nodiscard]] int discard(std::uint64_t, std::uint64_t) override { return 0; }
    [[nodiscard]] int flush() override {
        if (gone_) {
            return EIO;
        }
        if (lies_.flips_at < bytes_.size()) {
            bytes_[lies_.flips_at] ^= std::byte{0x10};
        }
        return lies_.flush_fails ? EIO : 0;
    }
    [[nodiscard]] bool present() override { return !gone_; }

    // IoQueue
    void submit(const IoRequest& request) override {
        if (request.kind == IoRequest::Kind::write) {
            submitted_ += request.length;
        }
        std::size_t length = request.length;
        if (lies_.short_every != 0 && ++requests_ % lies_.short_every == 0 && length > 8192) {
            length = length / 2 + 100;  // not even at a block's end
        }
        const bool write = request.kind == IoRequest::Kind::write;
        waiting_.push_back(
            {request.tag, move(request.offset, length, write ? request.data : nullptr,
                               write ? nullptr : request.data)});
    }
    void wait(std::vector<IoDone>& done, std::chrono::milliseconds) override {
        if (lies_.stalls > 0) {
            --lies_.stalls;
            return;
        }
        while (!waiting_.empty()) {  // the last comes first: order is nobody's promise
            done.push_back(waiting_.back());
            waiting_.pop_back();
        }
    }

  private:
    std::int64_t move(std::uint64_t offset, std::size_t length, const std::byte* in,
                      std::byte* out) {
        moved_ += length;
        gone_ = gone_ || moved_ > lies_.gone_after;
        const auto covers = [&](std::uint64_t at) { return at >= offset && at < offset + length; };
        if (gone_) {
            return lies_.gone_as_eio ? -EIO : -ENODEV;
        }
        if ((in != nullptr && covers(lies_.write_fails_at)) ||
            (out != nullptr && covers(lies_.read_fails_at))) {
            return -EIO;
        }
        for (std::size_t done = 0; done < length;) {
            std::uint64_t at = offset + done;
            if (at >= bytes_.size() && lies_.wraps) {
                at %= bytes_.size();
            }
            const bool kept = at < bytes_.size();
            const auto step =
                kept ? std::min<std::size_t>(length - done, bytes_.size() - at) : length - done;
            if (in != nullptr && kept && !lies_.keeps_nothing) {
                std::memcpy(bytes_.data() + at, in + done, step);
            }
            if (out != nullptr && kept) {
                std::memcpy(out + done, bytes_.data() + at, step);
            } else if (out != nullptr) {
                std::memset(out + done, 0, step);
            }
            done += step;
        }
        if (out != nullptr && covers(lies_.misreads_at)) {
            out[lies_.misreads_at - offset] ^= std::byte{0x10};
            lies_.misreads_at = Lies::kNever;
        }
        return static_cast<std::int64_t>(length);
    }

    std::string name_ = "liar";
    std::uint64_t claimed_;
    Lies lies_;
    std::vector<std::byte> bytes_;
    std::vector<IoDone> waiting_;
    std::uint64_t requests_ = 0, moved_ = 0, submitted_ = 0;
    bool gone_ = false;
};

}  // namespace lineside::media
