// SPDX-License-Identifier: Apache-2.0
// Moves many ranges to or from a medium with a deep queue: short answers are gone on with, what is
// under way is bounded by time, and a stop is obeyed within 50 ms plus what is under way.
// Thread: the writer's.
#pragma once

#include "workers/media/engine/image_map.h"
#include "workers/media/engine/medium.h"

#include <atomic>
#include <functional>

namespace lineside::media {

// An errno and where it happened; 0: all went well.
struct IoFailure {
    int error = 0;
    std::uint64_t offset = 0;
    [[nodiscard]] explicit operator bool() const { return error != 0; }
};

// What may be under way at once so that it is done in `within`: begins small, follows the rate.
class Window {
  public:
    explicit Window(std::chrono::milliseconds within) : within_(within) {}
    void done(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    // Of one request: the window holds several, and slow media like small ones.
    [[nodiscard]] std::size_t request() const;

  private:
    using Clock = std::chrono::steady_clock;
    std::chrono::milliseconds within_;
    Clock::time_point since_ = Clock::now();
    std::uint64_t counted_ = 0;
    std::uint64_t bytes_ = 4 * kPieceBytes;
};

class Transfer {
  public:
    Transfer(Medium& medium, std::chrono::milliseconds in_flight, const std::atomic<bool>& stop);

    // Writes the whole blocks of each range out of `bytes_at(offset)`. ECANCELED after a stop.
    [[nodiscard]] IoFailure write(const std::vector<Extent>& ranges,
                                  const std::function<std::byte*(std::uint64_t)>& bytes_at,
                                  std::atomic<std::uint64_t>& counter);
    // Reads the whole blocks of each range and hands them over in order, part by part: `at` is what
    // of the range came before. A range without a whole block is one part of no bytes. False from
    // `take` ends it.
    using Take =
        std::function<bool(std::size_t range, std::uint64_t at, std::span<const std::byte> part)>;
    [[nodiscard]] IoFailure read(const std::vector<Extent>& ranges, const Take& take);

  private:
    struct Part {
        std::uint64_t offset = 0;
        std::byte* data = nullptr;
        std::size_t length = 0, done = 0;
        std::size_t range = 0;
    };
    void send(std::size_t slot, IoRequest::Kind kind);
    void begin(std::size_t slots);
    // Waits for answers and takes them; `ended` hears of each part that is whole.
    [[nodiscard]] IoFailure collect(IoRequest::Kind kind,
                                    const std::function<void(const Part&)>& ended);
    [[nodiscard]] IoFailure drain(IoFailure why);
    // Errno of the answer; the part goes on when it was short. 0 and `ended` when it is whole.
    [[nodiscard]] int answer(const IoDone& each, IoRequest::Kind kind, bool& ended);

    Medium& medium_;
    const std::atomic<bool>& stop_;
    Window window_;
    std::vector<Part> parts_;
    std::vector<std::size_t> free_;
    std::vector<IoDone> done_;
    std::uint64_t under_way_ = 0;  // bytes
};

}  // namespace lineside::media
