// SPDX-License-Identifier: Apache-2.0
#include "workers/container/host_lane.h"

#include "station/base/unique_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdlib>

namespace lineside::container {
namespace {

namespace fs = std::filesystem;

fs::path of_helper(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? fs::path() : fs::path(value);
}

}  // namespace

base::Result<HostLane> find_host_lane(const fs::path& seen) {
    HostLane lane{seen, of_helper("LINESIDE_LANE_TREE"), of_helper("LINESIDE_LANE_FOLDER")};
    struct statfs about {};
    if (::statfs(seen.c_str(), &about) != 0) {
        return base::fail_errno("lane.failed", seen.native(), errno);
    }
    lane.overlay = about.f_type == OVERLAYFS_SUPER_MAGIC &&
                   fs::is_directory(lane.folder / "upper") &&
                   !fs::is_directory(lane.folder / "copy");
    std::error_code ignored;
    for (const auto& folder : {lane.tree, lane.overlay ? lane.folder : lane.folder / "copy"}) {
        if (folder.empty() || !fs::is_directory(folder, ignored)) {
            return base::fail(
                "lane.failed",
                fmt::format("A container cannot be given this lane: {} is not to be seen; `hide` "
                            "of helper.toml may cover it",
                            folder.empty() ? "its folder" : folder.native()));
        }
    }
    return lane;
}

base::Status LentLane::lend() {
    if (!lane_.overlay || lent_) {
        return {};
    }
    if (::umount2(lane_.seen.c_str(), UMOUNT_NOFOLLOW) != 0) {
        return base::fail_errno("lane.failed", "taking the lane down for a container", errno);
    }
    lent_ = true;
    return {};
}

base::Status LentLane::take_back() {
    if (!lent_) {
        return {};
    }
    // By descriptors: a path may hold what is a separator among a mount's options.
    const auto open = [](const fs::path& path) {
        return base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    };
    const auto lower = open(lane_.tree);
    const auto upper = open(lane_.folder / "upper");
    const auto work = open(lane_.folder / "work");
    const std::string options =
        fmt::format("lowerdir=/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{}",
                    lower.get(), upper.get(), work.get());
    if (!lower || !upper || !work ||
        ::mount("lineside", lane_.seen.c_str(), "overlay", MS_NODEV, options.c_str()) != 0) {
        return base::fail_errno("lane.failed", "putting the lane up again", errno);
    }
    lent_ = false;
    return {};
}

}  // namespace lineside::container
