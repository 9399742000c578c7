// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/layout.h"

namespace lineside::media {
namespace {

constexpr std::uint64_t kGptEntryBytes = 128 * 128;
constexpr std::uint64_t kMsdosSectors = std::uint64_t{1} << 32;

std::uint64_t up(std::uint64_t at, std::uint64_t to) {
    return (at + to - 1) / to * to;
}

std::string named(const Recipe& recipe, std::size_t index) {
    return fmt::format("partition {} ({})", index, shown(recipe.partitions[index].name));
}

}  // namespace

base::Result<std::vector<Slice>> lay_out(const Recipe& recipe, std::uint64_t disk_bytes,
                                         std::uint32_t sector) {
    const bool gpt = recipe.partition_table == "gpt";
    const std::uint64_t tail = gpt ? up(kGptEntryBytes, sector) + sector : 0;
    const std::uint64_t most =
        gpt ? disk_bytes : std::min<std::uint64_t>(disk_bytes, kMsdosSectors * sector);
    const std::uint64_t usable_end =
        most > tail ? (most - tail) / kSliceAlignment * kSliceAlignment : 0;
    if (usable_end <= kSliceAlignment) {
        return base::fail("media.too_small",
                          fmt::format("a disk of {} bytes has no room for partitions", disk_bytes));
    }
    const std::uint64_t span = usable_end - kSliceAlignment;
    std::vector<Slice> slices;
    std::uint64_t at = kSliceAlignment;
    std::uint64_t percent = 0;
    for (std::size_t i = 0; i < recipe.partitions.size(); ++i) {
        const PartitionSize& size = recipe.partitions[i].size;
        Slice slice{up(at, kSliceAlignment), 0};
        if (slice.begin >= usable_end) {
            return base::fail(
                "media.too_small",
                fmt::format("a disk of {} bytes has no room left for {}: take a larger one, or "
                            "make the partitions before it smaller",
                            disk_bytes, named(recipe, i)));
        }
        switch (size.kind) {
            case PartitionSize::Kind::rest:
                slice.bytes = usable_end - slice.begin;
                break;
            case PartitionSize::Kind::percent: {
                // By the sum, so that 50 % and 50 % leave nothing over; in two steps, so that no
                // product leaves 64 bits.
                percent += size.value;
                const std::uint64_t end = span / 100 * percent + span % 100 * percent / 100;
                const std::uint64_t whole =
                    kSliceAlignment + end / kSliceAlignment * kSliceAlignment;
                if (whole <= slice.begin) {
                    return base::fail(
                        "media.too_small",
                        fmt::format("{} % of a disk of {} bytes is no whole MiB for {}: "
                                    "take a larger one",
                                    size.value, disk_bytes, named(recipe, i)));
                }
                slice.bytes = whole - slice.begin;
                break;
            }
            case PartitionSize::Kind::bytes:
                slice.bytes = size.value > usable_end ? size.value : up(size.value, sector);
                break;
        }
        if (slice.bytes > usable_end - slice.begin) {
            const bool by_table = !gpt && most < disk_bytes && slice.bytes <= disk_bytes;
            return base::fail(
                "media.too_small",
                fmt::format("{} has {} bytes and only {} are left: {}", named(recipe, i),
                            slice.bytes, usable_end - slice.begin,
                            by_table ? "a table msdos ends at 2^32 sectors, use gpt"
                                     : "take a larger disk, or make the partitions smaller"));
        }
        at = slice.end();
        slices.push_back(slice);
    }
    return slices;
}

}  // namespace lineside::media
