// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/medium_checks.h"

#include <openssl/rand.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lineside::media {
namespace {

constexpr std::chrono::milliseconds kInFlight{100};

// Page-aligned random bytes.
class RandomBlock {
  public:
    explicit RandomBlock(std::size_t size)
        : size_(size),
          begin_(
              ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (begin_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
        if (RAND_bytes(static_cast<unsigned char*>(begin_), static_cast<int>(size)) != 1) {
            ::munmap(begin_, size_);
            throw std::runtime_error("RAND_bytes");
        }
    }
    ~RandomBlock() { ::munmap(begin_, size_); }
    RandomBlock(const RandomBlock&) = delete;
    RandomBlock& operator=(const RandomBlock&) = delete;
    [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(begin_); }

  private:
    std::size_t size_;
    void* begin_;
};

// Writes ranges out of one memory in which range i begins at i * stride, and reads them back.
struct Marks {
    std::vector<Extent> places;
    std::byte* memory;
    std::size_t stride;

    [[nodiscard]] std::byte* of(std::uint64_t offset) const {
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (offset >= places[i].begin && offset < places[i].end) {
                return memory + i * stride + (offset - places[i].begin);
            }
        }
        return memory;
    }
};

IoFailure write_marks(Medium& medium, const std::atomic<bool>& stop, const Marks& marks) {
    std::atomic<std::uint64_t> none{0};
    IoFailure failure = Transfer(medium, kInFlight, stop)
                            .write(
                                marks.places, [&](std::uint64_t at) { return marks.of(at); }, none);
    if (!failure) {
        failure.error = medium.flush();
    }
    return failure;
}

}  // namespace

tl::unexpected<base::Error> io_error(Medium& medium, const IoFailure& failure,
                                     std::string_view what) {
    if (failure.error == ECANCELED) {
        return base::fail("operator.stopped");
    }
    const std::string doing = fmt::format("{} {} at byte {}", medium.name(), what, failure.offset);
    if (failure.error == EFAULT) {  // the pages of the image, not the medium
        return base::fail("media.source", "the image file was cut or cannot be read");
    }
    if (failure.error == ENODEV || failure.error == ENXIO || failure.error == ENOMEDIUM ||
        failure.error == ESHUTDOWN || !medium.present()) {
        return base::fail("usb.left", medium.name() + " went away while it was worked on");
    }
    if (failure.error == ENOSPC) {
        return base::fail("media.capacity", doing + ": it ends there");
    }
    return base::fail_errno("unit.storage", doing, failure.error);
}

base::Status check_first_megabyte(Medium& medium, const std::atomic<bool>& stop) {
    const RandomBlock random(kPieceBytes);
    const Marks marks{{{0, kPieceBytes, Fill::data}}, random.data(), kPieceBytes};
    if (const IoFailure failure = write_marks(medium, stop, marks)) {
        return io_error(medium, failure, "cannot be written");
    }
    std::uint64_t right = 0;
    const IoFailure failure =
        Transfer(medium, kInFlight, stop)
            .read(marks.places, [&](std::size_t, std::uint64_t at,
                                    std::span<const std::byte> part) {
                const bool same = std::memcmp(part.data(), random.data() + at, part.size()) == 0;
                right += same ? part.size() : 0;
                return same;
            });
    if (failure) {
        return io_error(medium, failure, "cannot be read back");
    }
    if (right != kPieceBytes) {
        return base::fail("unit.storage",
                          medium.name() + ": its first megabyte does not keep what is written");
    }
    // Random bytes must not stay where the image means nothing.
    if (const int error = medium.zero(0, kPieceBytes); error != 0) {
        return io_error(medium, {error, 0}, "cannot be zeroed");
    }
    return {};
}

base::Status probe_capacity(Medium& medium, const std::atomic<bool>& stop) {
    Marks marks{{}, nullptr, kAlignment};
    const std::uint64_t blocks = medium.size() / kAlignment;
    for (std::uint64_t at = blocks; at > 1 && marks.places.size() < 40; at /= 2) {
        marks.places.push_back({(at - 1) * kAlignment, at * kAlignment, Fill::data});
    }
    if (marks.places.empty()) {
        return {};
    }
    std::reverse(marks.places.begin(), marks.places.end());
    const std::size_t bytes = marks.places.size() * kAlignment;
    const RandomBlock old(bytes), random(bytes);
    auto keep = [&](std::size_t index, std::uint64_t, std::span<const std::byte> part) {
        std::memcpy(old.data() + index * kAlignment, part.data(), part.size());
        return true;
    };
    if (const IoFailure failure = Transfer(medium, kInFlight, stop).read(marks.places, keep)) {
        return failure.error == ECANCELED || !medium.present()
                   ? io_error(medium, failure, "cannot be read")
                   : base::fail("media.capacity",
                                fmt::format("{} says it holds {} bytes and cannot read byte {}",
                                            medium.name(), medium.size(), failure.offset));
    }
    marks.memory = random.data();
    IoFailure failure = write_marks(medium, stop, marks);
    std::uint64_t lost = 0;
    bool equal = true;
    if (!failure) {
        failure = Transfer(medium, kInFlight, stop)
                      .read(marks.places,
                            [&](std::size_t index, std::uint64_t, std::span<const std::byte> part) {
                                if (std::memcmp(part.data(), random.data() + index * kAlignment,
                                                kAlignment) != 0) {
                                    lost = equal ? marks.places[index].begin
                                                 : std::min(lost, marks.places[index].begin);
                                    equal = false;
                                }
                                return true;
                            });
    }
    marks.memory = old.data();
    const std::atomic<bool> never{false};  // what was there is put back also after a stop
    const IoFailure back = write_marks(medium, never, marks);
    if (failure.error == ECANCELED || (failure && !medium.present())) {
        return io_error(medium, failure, "cannot be written");
    }
    if (failure || back || !equal) {
        return base::fail("media.capacity",
                          fmt::format("{} says it holds {} bytes and does not keep what is written "
                                      "at byte {}",
                                      medium.name(), medium.size(),
                                      failure ? failure.offset
                                      : equal ? back.offset
                                              : lost));
    }
    return {};
}

}  // namespace lineside::media
