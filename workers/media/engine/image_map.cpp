// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/image_map.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lineside::media {
namespace {

std::uint64_t down(std::uint64_t at) {
    return at / kAlignment * kAlignment;
}
std::uint64_t up(std::uint64_t at) {
    return down(at + kAlignment - 1);
}

}  // namespace

ImageMap::ImageMap(std::uint64_t size, const std::vector<Extent>& extents, Fill between)
    : size_(size) {
    for (const Extent& each : extents) {
        const std::uint64_t at = extents_.empty() ? 0 : extents_.back().end;
        const bool data = each.fill == Fill::data;
        const std::uint64_t begin =
            std::clamp(data ? down(each.begin) : std::min(up(each.begin), size_), at, size_);
        // What is not data may be cut inside a block only where the image ends.
        const std::uint64_t end =
            std::min(data || each.end >= size_ ? up(each.end) : down(each.end), size_);
        add({at, begin, between});
        add({begin, end, each.fill});
    }
    add({extents_.empty() ? 0 : extents_.back().end, size_, between});
}

void ImageMap::add(Extent extent) {
    if (extent.begin >= extent.end) {
        return;
    }
    if (!extents_.empty() && extents_.back().fill == extent.fill) {
        extents_.back().end = extent.end;
    } else {
        extents_.push_back(extent);
    }
}

std::uint64_t ImageMap::bytes_of(Fill fill) const {
    std::uint64_t sum = 0;
    for (const Extent& each : extents_) {
        sum += each.fill == fill ? each.end - each.begin : 0;
    }
    return sum;
}

std::vector<Extent> ImageMap::pieces(Fill fill) const {
    std::vector<Extent> list;
    for (const Extent& each : extents_) {
        for (std::uint64_t at = each.begin; each.fill == fill && at < each.end;) {
            const std::uint64_t end = std::min((at / kPieceBytes + 1) * kPieceBytes, each.end);
            list.push_back({at, end, fill});
            at = end;
        }
    }
    return list;
}

base::Result<ImageMap> map_of_holes(int fd, std::uint64_t size) {
    std::vector<Extent> data;
    std::uint64_t at = 0;
    while (at < size) {
        const off_t begin = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
        if (begin < 0 && errno == ENXIO) {
            break;  // nothing but a hole from here on
        }
        const off_t end = begin < 0 ? -1 : ::lseek(fd, begin, SEEK_HOLE);
        if (end < 0) {
            if (errno != EINVAL && errno != ENOTSUP) {
                return base::fail_errno("media.source", "cannot look for holes of the image",
                                        errno);
            }
            return ImageMap(size, {{0, size, Fill::data}}, Fill::zero);
        }
        data.push_back(
            {static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end), Fill::data});
        at = static_cast<std::uint64_t>(end);
    }
    return ImageMap(size, data, Fill::zero);
}

ImageMap map_of_bmap(const Bmap& bmap) {
    std::vector<Extent> data;
    for (const BmapRange& range : bmap.ranges) {
        data.push_back({bmap.begin_of(range), bmap.end_of(range), Fill::data});
    }
    return ImageMap(bmap.image_size, data, Fill::unused);
}

base::Json to_json(const ImageMap& map) {
    base::Json extents = base::Json::array();
    for (const Extent& each : map.extents()) {
        extents.push_back({each.begin, each.end, static_cast<int>(each.fill)});
    }
    return {{"size", map.size()}, {"extents", std::move(extents)}};
}

std::optional<ImageMap> map_from(const base::Json& json) {
    if (!json.is_object() || !json.contains("extents") || !json["extents"].is_array()) {
        return std::nullopt;
    }
    const auto size = base::field<std::uint64_t>(json, "size");
    std::vector<Extent> extents;
    std::uint64_t at = 0;
    for (const base::Json& each : json["extents"]) {
        if (!each.is_array() || each.size() != 3 || !each[0].is_number_unsigned() ||
            !each[1].is_number_unsigned() || !each[2].is_number_unsigned() ||
            each[0].get<std::uint64_t>() != at || each[2].get<unsigned>() > 2) {
            return std::nullopt;
        }
        extents.push_back(
            {at, each[1].get<std::uint64_t>(), static_cast<Fill>(each[2].get<unsigned>())});
        at = extents.back().end;
    }
    if (!size || at != *size) {
        return std::nullopt;
    }
    return ImageMap(*size, extents, Fill::zero);
}

}  // namespace lineside::media
