// SPDX-License-Identifier: Apache-2.0
// What an image is written onto: a block device, or a plain file where there are no devices to be
// had. Requests go past the page cache; what comes back is the medium's own word.
// Errors are error numbers (ENODEV: it is gone), judged by the writer.
// Thread: one thread owns a medium; requests are carried out by the kernel or by threads inside.
#pragma once

#include "station/base/error.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lineside::media {

struct IoRequest {
    enum class Kind { write, read };
    Kind kind = Kind::write;
    std::uint64_t offset = 0;   // offset and length: multiples of kAlignment
    std::byte* data = nullptr;  // page-aligned, valid until its IoDone; not written to by a write
    std::size_t length = 0;
    std::size_t tag = 0;
};

struct IoDone {
    std::size_t tag = 0;
    std::int64_t result = 0;  // bytes, perhaps fewer than asked, or -errno
};

class IoQueue {
  public:
    static constexpr std::size_t kDepth = 32;  // requests under way at once, at most

    virtual ~IoQueue() = default;
    virtual void submit(const IoRequest& request) = 0;
    // Adds what is done by now to `done`; waits for the first at most `most`.
    virtual void wait(std::vector<IoDone>& done, std::chrono::milliseconds most) = 0;
};

class Medium {
  public:
    virtual ~Medium() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    // Bytes it says it holds; of a plain file the room there may be.
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    [[nodiscard]] virtual IoQueue& queue() = 0;
    // The odd bytes behind the last whole block of an image, through the page cache. 0 or errno.
    [[nodiscard]] virtual int write_odd(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
    [[nodiscard]] virtual int read_odd(std::uint64_t offset, std::span<std::byte> bytes) = 0;
    // Makes a range read as zeros. 0 or errno.
    [[nodiscard]] virtual int zero(std::uint64_t begin, std::uint64_t end) = 0;
    // Tells the medium that a range holds nothing; it need not care. 0 or errno.
    [[nodiscard]] virtual int discard(std::uint64_t begin, std::uint64_t end) = 0;
    // What was written is on the medium and the host's cache forgotten. 0 or errno.
    [[nodiscard]] virtual int flush() = 0;
    // Is it, and the same one, still there?
    [[nodiscard]] virtual bool present() = 0;
};

enum class IoKind { best, threads };  // best: io_uring where the kernel allows it

// A queue of requests onto `fd`, which stays the caller's.
[[nodiscard]] std::unique_ptr<IoQueue> make_io_queue(int fd, IoKind kind);

// Opens a block device exclusively (a mounted one is refused by the kernel), or a plain file, which
// is made and gets `image_size`. `diskseq` of a device that was judged before: another one by now
// is refused. Errors: media.forbidden, usb.left, unit.storage.
struct MediumPlan {
    std::filesystem::path path;
    std::uint64_t image_size = 0;
    std::uint64_t diskseq = 0;  // 0: not known
    IoKind io = IoKind::best;
};
[[nodiscard]] base::Result<std::unique_ptr<Medium>> open_medium(const MediumPlan& plan);

}  // namespace lineside::media
