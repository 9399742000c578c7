// SPDX-License-Identifier: Apache-2.0
// A root folder that is no mount point, as debootstrap and chroot give it; for the tests of the
// helper.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace lineside::helper::testing {

// Moves this process into a mount namespace and a chroot that shows the host's own folders, each
// mounted for itself. Needs root; false when the kernel refuses.
inline bool enter_chroot(const std::filesystem::path& root) {
    namespace fs = std::filesystem;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return false;
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/")) {
        const fs::path place = root / entry.path().filename();
        if (entry.is_symlink()) {
            fs::create_symlink(fs::read_symlink(entry.path()), place, error);
        } else if (entry.is_directory()) {
            fs::create_directories(place, error);
            if (::mount(entry.path().c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) !=
                0) {
                return false;
            }
        }
    }
    return ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
}

}  // namespace lineside::helper::testing
