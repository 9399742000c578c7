// SPDX-License-Identifier: Apache-2.0
// Which of the ten instances of an initrd package this run is: two runs of one instance take each
// other's addresses and disks. Held as a lock on a file, so that a killed worker gives it back.
// Thread: as any value.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <filesystem>

namespace lineside::jetson_usb {

struct InstanceLease {
    int instance = 0;  // 0 to 9: the scripts match longer numbers by their beginning
    base::UniqueFd lock;
};
inline constexpr int kInstances = 10;

// The lowest free one. Errors: lane.failed (none is free, or the folder cannot be used).
[[nodiscard]] base::Result<InstanceLease> lease_instance(
    const std::filesystem::path& folder = "/run/lock/lineside-initrd");

}  // namespace lineside::jetson_usb
