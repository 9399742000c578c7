// SPDX-License-Identifier: Apache-2.0
#include "station/helper/lanes.h"

#include "station/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

namespace lineside::helper {
namespace {

using base::fail_errno;
using base::fail_writing;
using base::Result;
using base::Status;

constexpr std::string_view kTrash = ".trash-";

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> out;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
    while (dir != nullptr) {
        const dirent* entry = ::readdir(dir.get());
        if (entry == nullptr) {
            break;
        }
        out.emplace_back(entry->d_name);
    }
    std::erase_if(out, [](const std::string& name) { return name == "." || name == ".."; });
    return out;
}

Status make_folder(const std::string& path, mode_t mode, uid_t uid, gid_t gid) {
    if (::mkdir(path.c_str(), mode) != 0) {
        return errno == EEXIST ? Status{} : fail_writing("lane.failed", path, errno);
    }
    if (::chmod(path.c_str(), mode) != 0 || ::lchown(path.c_str(), uid, gid) != 0) {
        return fail_writing("lane.failed", path, errno);
    }
    return {};
}

// What a build worker that was not root made becomes root's; nothing in it stays writable for
// others.
bool take_over(const std::string& tree, uid_t from) {
    std::error_code error;
    if (::lchown(tree.c_str(), 0, 0) != 0) {
        return false;
    }
    for (auto it = std::filesystem::recursive_directory_iterator(tree, error);
         !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
        struct stat status {};
        if (::lstat(it->path().c_str(), &status) != 0) {
            return false;
        }
        if (from != 0 && status.st_uid == from && ::lchown(it->path().c_str(), 0, 0) != 0) {
            return false;
        }
    }
    return !error;
}

int publish_in_child(const std::string& out, const std::string& images, const std::string& target,
                     uid_t from) {
    if (::access(target.c_str(), F_OK) == 0) {
        return 0;
    }
    if (!take_over(out, from) || ::chmod(out.c_str(), 0755) != 0) {
        return 1;
    }
    const base::UniqueFd tree(::open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tree || ::syncfs(tree.get()) != 0 || ::fsync(tree.get()) != 0) {
        return 2;
    }
    if (::renameat2(AT_FDCWD, out.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0 &&
        errno != EEXIST) {
        return 3;
    }
    const base::UniqueFd folder(::open(images.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder && ::fsync(folder.get()) == 0 ? 0 : 4;
}

}  // namespace

std::string Lanes::folder(std::int64_t job) const {
    return fmt::format("{}/{}", config_.lanes, job);
}

std::string Lanes::image_folder(const std::string& key) const {
    return config_.images + "/" + key;
}

bool Lanes::exists(std::int64_t job) const {
    return ::access(folder(job).c_str(), F_OK) == 0;
}

Status Lanes::open() {
    lock_.reset(::open(config_.lanes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock_) {
        return fail_errno("lane.failed", config_.lanes, errno);
    }
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        return base::fail("lane.failed", config_.lanes + " is in use by another helper");
    }
    for (const std::string& name : names_in(config_.lanes)) {
        if (name.starts_with(kTrash)) {
            const auto number = base::to_int(std::string_view(name).substr(kTrash.size()));
            next_trash_ = std::max(next_trash_, static_cast<std::uint64_t>(number.value_or(0)) + 1);
        }
    }
    for (const std::string& name : names_in(config_.lanes)) {
        if (!name.starts_with(kTrash)) {
            if (auto moved = to_trash(config_.lanes + "/" + name); !moved) {
                return tl::unexpected(moved.error());
            }
        }
    }
    return {};
}

Status Lanes::make(std::int64_t job, const Account& owner, bool with_output) {
    const std::string base = folder(job);
    if (auto made = make_folder(base, 0711, 0, 0); !made) {
        return made;
    }
    // The lane's root shows upper's mode and owner.
    if (auto made = make_folder(base + "/upper", 0755, owner.uid, owner.gid); !made) {
        return made;
    }
    if (with_output) {
        if (auto made = make_folder(base + "/out", 0755, owner.uid, owner.gid); !made) {
            return made;
        }
    }
    return make_folder(base + "/work", 0700, 0, 0);
}

Result<std::string> Lanes::to_trash(const std::string& path) {
    std::string target = fmt::format("{}/{}{}", config_.lanes, kTrash, next_trash_++);
    if (::rename(path.c_str(), target.c_str()) != 0 && errno != ENOENT) {
        return fail_writing("lane.failed", path, errno);
    }
    return target;
}

// Each tree is given to one child only: two that remove the same one would stumble over each other.
Result<Task> Lanes::remove(std::vector<std::string> trees) const {
    return in_child([trees = std::move(trees)] {
        int failures = 0;
        for (const std::string& tree : trees) {
            std::error_code error;
            std::filesystem::remove_all(tree, error);
            failures += error ? 1 : 0;
        }
        return failures == 0 ? 0 : 1;
    });
}

Result<Task> Lanes::discard(std::int64_t job) {
    auto moved = to_trash(folder(job));
    return moved ? remove({*moved}) : tl::unexpected(moved.error());
}

Result<Task> Lanes::discard_image(const std::string& key) {
    auto moved = to_trash(image_folder(key));
    return moved ? remove({*moved}) : tl::unexpected(moved.error());
}

Result<Task> Lanes::sweep() {
    std::vector<std::string> trees;
    for (const std::string& name : names_in(config_.lanes)) {
        if (name.starts_with(kTrash)) {
            trees.push_back(config_.lanes + "/" + name);
        }
    }
    return remove(std::move(trees));
}

Result<Task> Lanes::publish(std::int64_t job, const std::string& key) {
    const std::string out = folder(job) + "/out";
    struct stat status {};
    if (::lstat(out.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return base::fail("helper.refused", fmt::format("job {} has built nothing", job));
    }
    return in_child([out, images = config_.images, target = image_folder(key),
                     from = status.st_uid] { return publish_in_child(out, images, target, from); });
}

std::vector<std::int64_t> Lanes::jobs_with_lane() const {
    std::vector<std::int64_t> out;
    for (const std::string& name : names_in(config_.lanes)) {
        if (const auto job = base::to_int(name)) {
            out.push_back(*job);
        }
    }
    return out;
}

}  // namespace lineside::helper
