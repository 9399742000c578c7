// SPDX-License-Identifier: Apache-2.0
// A block map (bmap 1.2 to 2.0): which blocks of an image hold data, with a checksum of each range.
// Everything is checked: the file against its own checksum, counts against each other, ranges in
// order and inside the image. The XML is read without entities and document types.
// Thread: any (pure).
#pragma once

#include "workers/media/formats/report.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

constexpr std::size_t kMaxBmapBytes = 64 * 1024 * 1024;

struct BmapRange {
    std::uint64_t first = 0, last = 0;  // blocks, both included
    std::string checksum;               // lower-case hex, empty: none given
    std::int64_t line = 1, column = 1;
};

struct Bmap {
    unsigned major = 0, minor = 0;
    std::uint64_t image_size = 0;  // bytes
    std::uint64_t block_size = 0;  // bytes
    std::uint64_t blocks_count = 0;
    std::uint64_t mapped_blocks = 0;
    std::string checksum_type;  // "sha256" …, empty: the map has no checksums
    std::vector<BmapRange> ranges;

    [[nodiscard]] std::uint64_t begin_of(const BmapRange& range) const {
        return range.first * block_size;
    }
    // The last block of an image may be a part of one.
    [[nodiscard]] std::uint64_t end_of(const BmapRange& range) const {
        return std::min((range.last + 1) * block_size, image_size);
    }
};

// Good only where `report` has no error afterwards.
[[nodiscard]] Bmap read_bmap(std::string_view xml, Report& report);

// The next bytes of an image in order, at most `most` of them; empty at its end.
using NextBytes = std::function<base::Result<std::string_view>(std::size_t most)>;
// Compares size and checksum of each range of the image with the map. `bytes` gives the image from
// its first byte to its last. Errors: those of `bytes`; what differs goes into `report`.
[[nodiscard]] base::Status compare_image(const Bmap& map, const NextBytes& bytes, Report& report);

}  // namespace lineside::media
