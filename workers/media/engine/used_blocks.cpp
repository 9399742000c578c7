// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/used_blocks.h"

#include <blkid/blkid.h>
#include <ext2fs/ext2fs.h>

#include <algorithm>
#include <memory>

namespace lineside::media {
namespace {

struct Slice {
    std::uint64_t begin = 0, bytes = 0;
};

using Probe = std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)>;

base::Result<std::vector<Slice>> slices_of(const std::filesystem::path& file, std::uint64_t size) {
    const Probe probe(blkid_new_probe_from_filename(file.c_str()), blkid_free_probe);
    if (!probe) {
        return base::fail("media.source", "cannot look for partitions in " + file.string());
    }
    blkid_probe_enable_partitions(probe.get(), 1);
    std::vector<Slice> slices;
    const blkid_partlist list = blkid_probe_get_partitions(probe.get());
    for (int i = 0; list != nullptr && i < blkid_partlist_numof_partitions(list); ++i) {
        const blkid_partition part = blkid_partlist_get_partition(list, i);
        const auto begin = static_cast<std::uint64_t>(blkid_partition_get_start(part)) * 512;
        const auto bytes = static_cast<std::uint64_t>(blkid_partition_get_size(part)) * 512;
        if (begin < size && bytes <= size - begin) {  // an extended one has those inside of it
            slices.push_back({begin, bytes});
        }
    }
    if (slices.empty()) {
        slices.push_back({0, size});
    }
    return slices;
}

struct CloseFs {
    void operator()(ext2_filsys fs) const { ext2fs_free(fs); }
};
using FileSystem = std::unique_ptr<struct_ext2_filsys, CloseFs>;

// Adds the free blocks of the file system in `slice`; none where it is none or cannot be trusted.
void add_free(const std::filesystem::path& file, const Slice& slice, std::vector<Extent>& free) {
    ext2_filsys opened = nullptr;
    const std::string where = fmt::format("offset={}", slice.begin);
    if (ext2fs_open2(file.c_str(), where.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager,
                     &opened) != 0) {
        return;
    }
    const FileSystem fs(opened);
    // One bit of a big-alloc file system stands for several blocks: all of it is written.
    const bool up_to_date = !ext2fs_has_feature_bigalloc(fs->super) &&
                            !ext2fs_has_feature_journal_needs_recovery(fs->super) &&
                            (fs->super->s_state & EXT2_VALID_FS) != 0 &&
                            (fs->super->s_state & EXT2_ERROR_FS) == 0;
    const std::uint64_t count = ext2fs_blocks_count(fs->super);
    if (!up_to_date || count > slice.bytes / fs->blocksize || ext2fs_read_block_bitmap(fs.get())) {
        return;
    }
    for (blk64_t at = fs->super->s_first_data_block; at < count;) {
        blk64_t begin = 0, end = 0;
        if (ext2fs_find_first_zero_block_bitmap2(fs->block_map, at, count - 1, &begin) != 0) {
            return;
        }
        if (ext2fs_find_first_set_block_bitmap2(fs->block_map, begin, count - 1, &end) != 0) {
            end = count;
        }
        free.push_back(
            {slice.begin + begin * fs->blocksize, slice.begin + end * fs->blocksize, Fill::unused});
        at = end;
    }
}

}  // namespace

base::Result<ImageMap> without_free_blocks(const std::filesystem::path& file, const ImageMap& map) {
    const auto slices = slices_of(file, map.size());
    if (!slices) {
        return tl::unexpected<base::Error>(slices.error());
    }
    std::vector<Extent> free;
    for (const Slice& each : *slices) {
        add_free(file, each, free);
    }
    std::sort(free.begin(), free.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    // The map's own extents, less what is free.
    std::vector<Extent> left;
    std::size_t next = 0;
    for (const Extent& each : map.extents()) {
        std::uint64_t at = each.begin;
        while (at < each.end) {
            while (next < free.size() && free[next].end <= at) {
                ++next;
            }
            const bool is_free = next < free.size() && free[next].begin <= at;
            const std::uint64_t end = is_free              ? std::min(free[next].end, each.end)
                                      : next < free.size() ? std::min(free[next].begin, each.end)
                                                           : each.end;
            left.push_back({at, end, is_free ? Fill::unused : each.fill});
            at = end;
        }
    }
    return ImageMap(map.size(), left, Fill::zero);
}

}  // namespace lineside::media
