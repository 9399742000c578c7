// SPDX-License-Identifier: Apache-2.0
// Writes one prepared image onto one medium and proves it: what the medium gives back, past the
// page cache, hashes to what the image hashed to, piece by piece. Nothing less is `proven`.
// Each target has a thread of its own and shares only the image's pages, so a slow one holds nobody
// up and reads again by itself what the host has dropped meanwhile; its memory is the buffers of
// its read-back (1 MiB).
// Errors: usb.left (gone), unit.storage (it refuses to be written or read), image.mismatch (it
// holds other bytes), media.capacity, media.too_small, media.source, operator.stopped.
// Thread: one per medium.
#pragma once

#include "workers/media/engine/medium.h"
#include "workers/media/engine/prepared_image.h"

#include <atomic>

namespace lineside::media {

struct WriteOptions {
    bool verify = true;           // false: never proven
    bool first_megabyte = true;   // random bytes onto the first megabyte and back, before the image
    bool probe_capacity = false;  // marks over all it says it holds, put back afterwards
    bool discard = false;         // of the image's range, first
    // How long it may take until what is under way is done, once a stop was asked for.
    std::chrono::milliseconds in_flight{100};
};

// Read by others while the writer works.
struct WriteProgress {
    enum class Phase { waiting, check, zero, write, flush, verify, done };
    std::atomic<Phase> phase{Phase::waiting};
    std::atomic<std::uint64_t> zeroed{0};    // bytes that read as zeros
    std::atomic<std::uint64_t> written{0};   // bytes of data on their way or done
    std::atomic<std::uint64_t> verified{0};  // bytes read back and found right
};

struct Difference {
    std::uint64_t begin = 0, end = 0;  // bytes of the image that the medium holds differently
};

struct WriteResult {
    base::Status status;
    bool proven = false;                  // with a good status: the proof; never without
    std::uint64_t bytes = 0;              // data written
    std::uint64_t verified = 0;           // bytes read back, zeros too
    std::string digest;                   // of what was read back; "" unless proven
    std::vector<Difference> differences;  // the first 16 runs
    double write_s = 0, verify_s = 0;     // seconds; write_s ends when the medium has it all
};

[[nodiscard]] WriteResult write_image(const PreparedImage& image, Medium& medium,
                                      const WriteOptions& options, WriteProgress& progress,
                                      const std::atomic<bool>& stop);

}  // namespace lineside::media
