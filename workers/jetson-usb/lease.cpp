// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::jetson_usb {

base::Result<InstanceLease> lease_instance(const std::filesystem::path& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return base::fail_errno("lane.failed", "cannot make " + folder.native(), errno);
    }
    for (int instance = 0; instance < kInstances; ++instance) {
        const auto name = folder / std::to_string(instance);
        base::UniqueFd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) {
            return base::fail_errno("lane.failed", "cannot open " + name.native(), errno);
        }
        if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            return InstanceLease{instance, std::move(file)};
        }
    }
    return base::fail("lane.failed",
                      "All ten instances of initrd flash are in use: at most ten units at a time");
}

}  // namespace lineside::jetson_usb
