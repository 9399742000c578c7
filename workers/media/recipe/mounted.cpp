// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/mounted.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace lineside::media {
namespace {

tl::unexpected<base::Error> failed(const std::filesystem::path& device, const std::string& fs_type,
                                   int context, int why) {
    std::string words;
    std::array<char, 512> line{};
    // The kernel's own words wait in the descriptor, one message a read: "e ext4: …".
    for (ssize_t got = 1; context >= 0 && got > 0;) {
        got = ::read(context, line.data(), line.size());
        if (got > 0) {
            words +=
                fmt::format(" ({})", std::string_view(line.data(), static_cast<std::size_t>(got)));
        }
    }
    const bool unfit = why == ENODEV || why == EPERM || why == ENOSYS;
    return base::fail_errno(
        unfit ? "host.unfit" : "unit.storage",
        fmt::format("cannot open the file system {} on {}{}{}", fs_type, device.string(), words,
                    why == ENODEV  ? ": this kernel has no driver for it"
                    : why == EPERM ? ": this needs root"
                                   : ""),
        why);
}

}  // namespace

base::Result<Mounted> Mounted::open(const std::filesystem::path& device, const std::string& fs_type,
                                    bool read_only) {
    const base::UniqueFd context(::fsopen(fs_type.c_str(), FSOPEN_CLOEXEC));
    if (!context) {
        return failed(device, fs_type, -1, errno);
    }
    const int fd = context.get();
    if (::fsconfig(fd, FSCONFIG_SET_STRING, "source", device.c_str(), 0) != 0 ||
        (read_only && ::fsconfig(fd, FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0) ||
        ::fsconfig(fd, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        return failed(device, fs_type, fd, errno);
    }
    base::UniqueFd root(::fsmount(fd, FSMOUNT_CLOEXEC,
                                  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                                      (read_only ? MOUNT_ATTR_RDONLY : 0U)));
    if (!root) {
        return failed(device, fs_type, fd, errno);
    }
    return Mounted(device, std::move(root));
}

base::Status Mounted::close() {
    // What fsmount() gave is a path only, which syncfs() does not take.
    base::UniqueFd folder(::openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const int failed = folder && ::syncfs(folder.get()) == 0 ? 0 : errno;
    folder.reset();
    root_.reset();
    if (failed != 0) {
        return base::fail_errno("unit.storage", device_.string() + " did not keep what was written",
                                failed);
    }
    return {};
}

int open_below(int folder, const std::string& path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC | O_NOFOLLOW));
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

}  // namespace lineside::media
