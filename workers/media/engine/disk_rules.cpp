// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/disk_rules.h"

#include <fmt/ranges.h>

namespace lineside::media {

std::string why_not_written(const DiskFacts& facts, const DiskPolicy& policy) {
    auto refused = [&](std::string_view why) { return fmt::format("{}: {}", facts.dev, why); };
    if (facts.partition) {
        return refused("it is a part of a disk: name the whole disk");
    }
    if (!facts.mounts.empty()) {
        return refused(fmt::format("mounted at {}: unmount it first, if it really is the one",
                                   fmt::join(facts.mounts, ", ")));
    }
    if (!facts.swaps.empty()) {
        return refused(fmt::format("swap in use on {}", fmt::join(facts.swaps, ", ")));
    }
    if (!facts.holders.empty()) {
        return refused(
            fmt::format("other devices are built on it: {}", fmt::join(facts.holders, ", ")));
    }
    if (!facts.members.empty()) {
        return refused(
            fmt::format("part of a volume, RAID or encrypted disk ({}): wipe it with "
                        "wipefs first, if it really is the one",
                        fmt::join(facts.members, ", ")));
    }
    if (!policy.below.empty() && facts.sysfs.find(policy.below) == std::string::npos) {
        return refused(fmt::format("it is not at this slot's port ({})", policy.below));
    }
    if (facts.bytes == 0) {
        return refused("no medium inside");
    }
    if (facts.read_only) {
        return refused("read-only: look at the card's lock");
    }
    if (!policy.model.empty() && facts.model != policy.model) {
        return refused(fmt::format("it is a {}, not a {}", facts.model, policy.model));
    }
    if (facts.bytes < policy.least_bytes) {
        return refused(fmt::format("it holds {} bytes, wanted are at least {}", facts.bytes,
                                   policy.least_bytes));
    }
    if (policy.most_bytes != 0 && facts.bytes > policy.most_bytes) {
        return refused(fmt::format("it holds {} bytes, wanted are at most {}", facts.bytes,
                                   policy.most_bytes));
    }
    return {};
}

}  // namespace lineside::media
