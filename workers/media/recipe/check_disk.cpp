// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/check_disk.h"

#include "workers/media/engine/disk_rules.h"
#include "workers/media/engine/loop_device.h"
#include "workers/media/recipe/file_system.h"
#include "workers/media/recipe/partition_table.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::media {
namespace {

// A file system that is in use is never clean: what is in memory is missing on it.
base::Status not_in_use(const std::filesystem::path& disk) {
    struct stat status {};
    if (::stat(disk.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
        return {};
    }
    auto facts = read_disk_facts(disk);
    if (!facts) {
        return tl::unexpected<base::Error>(facts.error());
    }
    std::vector<std::string> users = facts->mounts;
    users.insert(users.end(), facts->swaps.begin(), facts->swaps.end());
    users.insert(users.end(), facts->holders.begin(), facts->holders.end());
    if (!users.empty()) {
        return base::fail("media.forbidden", fmt::format("{} is in use: {}; unmount it first",
                                                         disk.string(), fmt::join(users, ", ")));
    }
    return {};
}

base::Result<PartitionCheck> check_slice(const std::filesystem::path& disk, const Slice& slice,
                                         std::uint32_t sector, const std::string& only,
                                         const Programs& programs) {
    PartitionCheck check;
    check.slice = slice;
    auto loop = LoopDevice::attach({disk, slice.begin, slice.bytes, sector, true});
    if (!loop) {
        return tl::unexpected<base::Error>(loop.error());
    }
    auto facts = read_file_system(loop->path());
    if (!facts) {
        check.verdict = PartitionCheck::Verdict::faulty;
        check.words = facts.error().message;
        return check;
    }
    check.type = facts->type;
    check.label = facts->label;
    check.uuid = facts->uuid;
    if (check.type.empty()) {
        check.words = "no file system is known there";
        return check;
    }
    if (!only.empty() && check.type != kernel_name(only)) {
        check.words = "not asked for";
        return check;
    }
    auto clean = check_file_system(check.type, loop->path(), programs);
    if (clean) {
        check.verdict = PartitionCheck::Verdict::clean;
        return check;
    }
    if (clean.error().code == "tool.failed" || clean.error().code == "tool.died") {
        check.verdict = PartitionCheck::Verdict::faulty;
    } else if (clean.error().code != "config.invalid") {  // that is: there is no tool for its kind
        return tl::unexpected<base::Error>(clean.error());
    }
    check.words = clean.error().message;
    return check;
}

}  // namespace

base::Result<std::vector<PartitionCheck>> check_disk(const std::filesystem::path& disk,
                                                     const std::string& only,
                                                     const std::atomic<bool>& stop) {
    if (auto free = not_in_use(disk); !free) {
        return tl::unexpected<base::Error>(free.error());
    }
    const base::UniqueFd fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno("usb.left", "cannot open " + disk.string(), errno);
    }
    auto slices = read_partitions(fd.get(), disk);
    if (!slices && slices.error().code != "media.source") {
        return tl::unexpected<base::Error>(slices.error());
    }
    const bool whole = !slices;  // no table: perhaps one file system over all of it
    if (whole) {
        slices = std::vector<Slice>{{0, 0}};
    }
    const Programs programs(stop);
    std::vector<PartitionCheck> checks;
    for (const Slice& slice : *slices) {
        auto check = check_slice(disk, slice, sector_of(fd.get()), only, programs);
        if (!check) {
            return tl::unexpected<base::Error>(check.error());
        }
        checks.push_back(std::move(*check));
    }
    if (checks.empty() || (whole && checks.front().type.empty())) {
        return base::fail("media.source",
                          disk.string() + " has neither partitions nor a file system");
    }
    return checks;
}

}  // namespace lineside::media
