// SPDX-License-Identifier: Apache-2.0
#include "station/helper/stage.h"

#include "station/helper/request.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

// <sys/mount.h> of glibc 2.36 and <linux/mount.h> both define these; whichever came first is right.
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

namespace lineside::helper {
namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;

StageFailure failed(const char* step) {
    return {step, errno};
}

bool below(const std::string& path, const std::string& folder) {
    return path == folder ||
           (path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
            path[folder.size()] == '/');
}

int clone_tree(const char* path) {
    return static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE));
}

int attach_tree(int tree, const char* path) {
    return static_cast<int>(
        ::syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH));
}

int make_read_only(int tree) {
    mount_attr wanted{};
    wanted.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    return static_cast<int>(::syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
                                      &wanted, sizeof wanted));
}

// Nothing that is mounted from here on is seen outside. In a chroot "/" is no mount point and has
// no propagation to set: there the tree below it is cloned, and the clone becomes the root.
bool make_mounts_private() {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
        return true;
    }
    if (errno != EINVAL) {
        return false;
    }
    mount_attr wanted{};
    wanted.propagation = MS_PRIVATE;
    const base::UniqueFd tree(clone_tree("/"));
    return tree &&
           ::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted,
                     sizeof wanted) == 0 &&
           attach_tree(tree.get(), "/") == 0 && ::fchdir(tree.get()) == 0 && ::chroot(".") == 0;
}

// A place to mount `tree` on: a folder or a file, with the folders above it.
void make_place(int tree, std::string path) {
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
        path[at] = '\0';
        ::mkdir(path.c_str(), 0755);
        path[at] = '/';
    }
    struct stat status {};
    if (::fstat(tree, &status) == 0 && S_ISDIR(status.st_mode)) {
        ::mkdir(path.c_str(), 0755);
    } else {
        const base::UniqueFd file(
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444));
    }
}

std::string fd_path(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

// `path` through the descriptor of the place it lies in: it may be hidden by now.
base::UniqueFd open_folder(const Places& places, const std::string& path, int flags) {
    for (const auto& [folder, fd] : places) {
        if (path == folder) {
            return base::UniqueFd(::openat(fd.get(), ".", flags));
        }
        if (below(path, folder)) {
            return base::UniqueFd(::openat(fd.get(), path.c_str() + folder.size() + 1, flags));
        }
    }
    errno = ENOENT;
    return {};
}

bool mount_overlay(const base::UniqueFd& lower, const base::UniqueFd& folder) {
    // Descriptors instead of paths: no length limit and nothing in a path that would need escaping.
    const base::UniqueFd upper(::openat(folder.get(), "upper", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const base::UniqueFd work(::openat(folder.get(), "work", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!upper || !work) {
        return false;
    }
    const std::string options = "lowerdir=" + fd_path(lower.get()) +
                                ",upperdir=" + fd_path(upper.get()) +
                                ",workdir=" + fd_path(work.get());
    return ::mount("lineside", kLaneMount, "overlay", MS_NODEV, options.c_str()) == 0;
}

// Copies with the system's cp: reflinks where the file system can, bytes where it cannot, never
// links.
bool copy_tree(const std::string& from, const std::string& to) {
    const std::string source = from + "/.";
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execl("/bin/cp", "cp", "-a", "--reflink=auto", "--", source.c_str(), to.c_str(), nullptr);
        ::_exit(127);
    }
    int status = -1;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid < 0 || status != 0) {
        errno = EIO;
        return false;
    }
    return true;
}

// Both descriptors are inherited by cp: that is how it names the folders.
bool bind_copy(const base::UniqueFd& lower, const base::UniqueFd& folder) {
    const std::string base = fd_path(folder.get());
    if (::faccessat(folder.get(), "copy", F_OK, 0) != 0) {  // the first step of this job
        if (::mkdirat(folder.get(), "copy.half", 0755) != 0 ||
            !copy_tree(fd_path(lower.get()), base + "/copy.half") ||
            ::renameat(folder.get(), "copy.half", folder.get(), "copy") != 0) {
            return false;
        }
    }
    return ::mount((base + "/copy").c_str(), kLaneMount, nullptr, MS_BIND, nullptr) == 0;
}

StageFailure hide_one(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return {};  // nothing there, nothing to hide
    }
    if (S_ISDIR(status.st_mode)) {
        if (::mount("hidden", path.c_str(), "tmpfs", kPlain | MS_NOEXEC, "mode=0755,size=64k") !=
            0) {
            return failed("hide a folder");
        }
    } else if (::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        return failed("hide a file");
    }
    return {};
}

}  // namespace

StageFailure set_stage(const StagePlan& plan, Places& places) {
    if (!make_mounts_private()) {
        return failed("make mounts private");
    }
    if (::mount("proc", "/proc", "proc", kPlain | MS_NOEXEC, nullptr) != 0) {
        return failed("mount /proc");
    }
    for (const std::string& path : plan.places) {
        places.emplace_back(path,
                            base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
        if (!places.back().second) {
            return failed("open a folder of lanes");
        }
    }
    for (const std::string& path : plan.read_only) {
        const base::UniqueFd tree(clone_tree(path.c_str()));
        if (!tree || make_read_only(tree.get()) != 0 ||
            attach_tree(tree.get(), path.c_str()) != 0) {
            return failed("make a folder read-only");
        }
    }
    std::vector<std::pair<base::UniqueFd, const std::string*>> kept;
    for (const std::string& path : plan.keep) {
        bool covered = below(path, "/tmp");
        for (const std::string& hidden : plan.hide) {
            covered = covered || below(path, hidden);
        }
        if (!covered) {
            continue;
        }
        base::UniqueFd tree(clone_tree(path.c_str()));
        if (!tree) {
            return failed("keep a folder");
        }
        kept.emplace_back(std::move(tree), &path);
    }
    if (::mount("tmp", "/tmp", "tmpfs", kPlain, plan.tmp_options.c_str()) != 0) {
        return failed("mount /tmp");
    }
    for (const std::string& path : plan.hide) {
        if (auto hidden = hide_one(path); hidden.step != nullptr) {
            return hidden;
        }
    }
    for (const auto& [tree, path] : kept) {
        make_place(tree.get(), *path);
        if (attach_tree(tree.get(), path->c_str()) != 0) {
            return failed("put a folder back");
        }
    }
    return {};
}

StageFailure mount_lane(const WorkerOrder& order, const Places& places) {
    if (order.lane_lower.empty()) {
        return {};
    }
    const base::UniqueFd lower = open_folder(places, order.lane_lower, O_PATH | O_DIRECTORY);
    const base::UniqueFd folder = open_folder(places, order.lane_folder, O_PATH | O_DIRECTORY);
    if (!lower || !folder) {
        return failed("open the folders of the lane");
    }
    ::mkdir(kLaneMount, 0755);
    if (order.try_overlay && mount_overlay(lower, folder)) {
        return {};
    }
    if (!order.try_copy) {
        return failed("overlayfs for the lane");
    }
    return bind_copy(lower, folder) ? StageFailure{} : failed("copy for the lane");
}

}  // namespace lineside::helper
