// SPDX-License-Identifier: Apache-2.0
// Never the wrong disk: what is known of a block device, and why it must not be written. The rules
// are pure; the facts come from sysfs, libmount and libblkid. Opening the device exclusively is the
// kernel's own last word behind them, and the disk sequence number ties both to one disk.
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lineside::media {

struct DiskFacts {
    std::string dev;            // kernel name: "sdb"
    bool partition = false;     // a part of a disk, not the disk
    bool read_only = false;     // as the kernel has it (a card's lock)
    std::uint64_t bytes = 0;    // 0: no medium inside
    std::uint64_t diskseq = 0;  // of this disk among all since the start; 0: kernel before 5.15
    std::string model, serial;  // as the device says, trimmed; may be empty
    std::string sysfs;          // its place in the tree of buses: "/devices/pci…/usb1/1-2/…"
    // What is on the disk or on its partitions:
    std::vector<std::string> mounts;   // mount points
    std::vector<std::string> swaps;    // in use
    std::vector<std::string> holders;  // devices built on it: "dm-0", "md127"
    std::vector<std::string> members;  // "sdb2: LVM2_member"
};

struct DiskPolicy {
    std::string below;  // part of sysfs that names the slot's own port, "/1-2.3/"; empty: any
    std::string model;  // must be this; empty: any
    std::uint64_t least_bytes = 0;
    std::uint64_t most_bytes = 0;  // 0: no limit
};

// The reason, a sentence for people, or "". Thread: any (pure).
[[nodiscard]] std::string why_not_written(const DiskFacts& facts, const DiskPolicy& policy);

// Of a block device's node. Errors: usb.left (not there), media.forbidden (no block device).
// Thread: any; blocks on the device while libblkid looks at it.
[[nodiscard]] base::Result<DiskFacts> read_disk_facts(const std::filesystem::path& node);

}  // namespace lineside::media
