// SPDX-License-Identifier: Apache-2.0
// A block map as anybody might send it. What is accepted has ranges in order inside its image that
// add up, and comparing it with an image of other bytes never reads past that.
#include "workers/media/formats/bmap.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace lineside;
using namespace lineside::media;

void must(bool so) {
    if (!so) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Report report;
    const Bmap map = read_bmap(bytes, report);
    must(!base::dump_json(report.to_json("f", 1)).empty());
    if (!report.accepted()) {
        return 0;
    }
    std::uint64_t next = 0, mapped = 0;
    for (const BmapRange& range : map.ranges) {
        must(range.first >= next && range.last >= range.first);
        must(range.last < map.blocks_count);
        must(map.begin_of(range) < map.end_of(range) && map.end_of(range) <= map.image_size);
        next = range.last + 1;
        mapped += range.last - range.first + 1;
    }
    must(mapped == map.mapped_blocks && map.image_size > 0 && map.block_size > 0);
    std::size_t at = 0;
    const auto done = compare_image(
        map,
        [&](std::size_t most) -> base::Result<std::string_view> {
            const auto piece = bytes.substr(at, std::min<std::size_t>(most, 100));
            at += piece.size();
            return piece;
        },
        report);
    must(done.has_value());
    must(size == map.image_size || !report.accepted());
    return 0;
}
