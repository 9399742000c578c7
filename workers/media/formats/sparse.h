// SPDX-License-Identifier: Apache-2.0
// Android sparse images (version 1), read as a stream: chunks of data, of one repeated word, and of
// blocks nobody cares about. Bounded: one piece in memory, sizes judged before they are believed.
// Checksum chunks are passed over; the station's own hash covers the bytes.
// Errors: media.source.   Thread: one.
#pragma once

#include "workers/media/formats/bmap.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace lineside::media {

constexpr std::string_view kSparseMagic{"\x3a\xff\x26\xed", 4};

struct SparseSink {
    // In order of offsets, which are bytes of the unpacked image.
    std::function<base::Status(std::uint64_t offset, std::string_view bytes)> data;
    std::function<base::Status(std::uint64_t begin, std::uint64_t end)> zero, unused;
};

// Reads a sparse image out of `bytes` to its end; the answer is the unpacked size in bytes.
[[nodiscard]] base::Result<std::uint64_t> unpack_sparse(const NextBytes& bytes,
                                                        const SparseSink& sink);

}  // namespace lineside::media
