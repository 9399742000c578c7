// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/bmap.h"
#include "workers/media/formats/digest.h"

namespace lineside::media {
namespace {

constexpr std::size_t kPiece = 1024 * 1024;

}  // namespace

base::Status compare_image(const Bmap& map, const NextBytes& bytes, Report& report) {
    auto digest = Digest::of(map.checksum_type);
    std::size_t next = 0;  // range that is being read or comes
    std::uint64_t at = 0;  // bytes of the image so far
    while (at <= map.image_size) {
        auto piece = bytes(kPiece);
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (piece->empty()) {
            break;
        }
        std::string_view rest = *piece;
        while (!rest.empty() && at < map.image_size) {
            std::uint64_t until = map.image_size;
            bool inside = false;
            if (next < map.ranges.size()) {
                const std::uint64_t begin = map.begin_of(map.ranges[next]);
                inside = at >= begin;
                until = inside ? map.end_of(map.ranges[next]) : begin;
            }
            const auto length =
                static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), until - at));
            if (inside && digest) {
                digest->update(rest.substr(0, length));
            }
            rest.remove_prefix(length);
            at += length;
            if (inside && at == until) {
                const BmapRange& range = map.ranges[next];
                const std::string found = digest ? digest->end() : "";
                if (!range.checksum.empty() && digest && found != range.checksum) {
                    report.error({range.line, range.column, fmt::format("BlockMap.Range[{}]", next),
                                  fmt::format("the image differs in blocks {}-{} (bytes {} to {}): "
                                              "its {} is {}; image and map do not belong together "
                                              "or the image is damaged",
                                              range.first, range.last, map.begin_of(range),
                                              map.end_of(range), map.checksum_type, found)});
                }
                ++next;
            }
        }
        at += rest.size();
    }
    if (at != map.image_size) {
        report.error({1, 1, "ImageSize",
                      fmt::format("the map is of an image of {} bytes, this one has {}{}: take the "
                                  "image the map was made of",
                                  map.image_size, at > map.image_size ? "more than " : "",
                                  std::min(at, map.image_size))});
    }
    return {};
}

}  // namespace lineside::media
