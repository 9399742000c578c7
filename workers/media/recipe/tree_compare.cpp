// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/mounted.h"
#include "workers/media/recipe/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace lineside::media {
namespace {

constexpr mode_t kRights = 07777;
constexpr std::size_t kMostXattr = 64 * 1024;  // what Linux takes

class Comparer {
  public:
    Comparer(const Tree& tree, int root, Keep keep, const Written& since,
             const std::atomic<bool>& stop, std::atomic<std::uint64_t>& counter)
        : tree_(tree), root_(root), keep_(keep), since_(since), stop_(stop), counter_(counter) {}

    base::Status run() {
        for (const auto& [path, member] : tree_.members) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            if (since_.holds(path)) {
                continue;
            }
            if (auto same = compare(path, member); !same) {
                return same;
            }
        }
        return {};
    }

  private:
    static tl::unexpected<base::Error> differs(const std::string& path, std::string_view what) {
        return base::fail("image.mismatch", fmt::format("/{}: {}", shown(path), what));
    }
    static tl::unexpected<base::Error> unreadable(const std::string& path, int why) {
        return why == ENOENT || why == ENOTDIR
                   ? differs(path, "it is not there")
                   : base::fail_errno("unit.storage", fmt::format("cannot read /{}", shown(path)),
                                      why);
    }

    base::Status compare(const std::string& path, const Member& wanted) {
        const std::string at = path.empty() ? "." : path;
        const base::UniqueFd fd(open_below(root_, at, O_PATH));
        struct stat found {};
        if (!fd || ::fstat(fd.get(), &found) != 0) {
            return unreadable(path, errno);
        }
        if ((found.st_mode & S_IFMT) != (wanted.mode & S_IFMT)) {
            return differs(path, "it is of another kind");
        }
        if (keep_ == Keep::all) {
            if (auto same = compare_rights(path, wanted, found); !same) {
                return same;
            }
        }
        if (S_ISLNK(wanted.mode)) {
            std::string target(wanted.link.size() + 1, '\0');
            const ssize_t got = ::readlinkat(fd.get(), "", target.data(), target.size());
            if (got < 0) {
                return unreadable(path, errno);
            }
            target.resize(static_cast<std::size_t>(got));
            return target == wanted.link ? base::Status() : differs(path, "it points elsewhere");
        }
        if (!S_ISREG(wanted.mode)) {
            return {};
        }
        if (static_cast<std::uint64_t>(found.st_size) != wanted.size) {
            return differs(path,
                           fmt::format("it has {} bytes, not {}", found.st_size, wanted.size));
        }
        if (wanted.hard && keep_ == Keep::all) {
            return compare_link(path, wanted, found);
        }
        return compare_bytes(path, wanted);
    }

    base::Status compare_rights(const std::string& path, const Member& wanted,
                                const struct stat& found) {
        if (found.st_uid != wanted.uid || found.st_gid != wanted.gid) {
            return differs(path, fmt::format("it belongs to {}:{}, not {}:{}", found.st_uid,
                                             found.st_gid, wanted.uid, wanted.gid));
        }
        if (!S_ISLNK(wanted.mode) && (found.st_mode & kRights) != (wanted.mode & kRights)) {
            return differs(path, fmt::format("its rights are {:o}, not {:o}",
                                             found.st_mode & kRights, wanted.mode & kRights));
        }
        if (found.st_mtim.tv_sec != wanted.mtime && !since_.into(path)) {
            return differs(path, "its time is another");
        }
        if ((S_ISCHR(wanted.mode) || S_ISBLK(wanted.mode)) && found.st_rdev != wanted.rdev) {
            return differs(
                path, fmt::format("it is the device {}:{}, not {}:{}", major(found.st_rdev),
                                  minor(found.st_rdev), major(wanted.rdev), minor(wanted.rdev)));
        }
        std::string value;
        for (const auto& [name, bytes] : wanted.xattrs) {
            value.resize(kMostXattr);
            // Its folders were walked without following a link just now; the last name is not
            // followed here either.
            const ssize_t got = ::lgetxattr(fmt::format("/proc/self/fd/{}/{}", root_, path).c_str(),
                                            name.c_str(), value.data(), value.size());
            value.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
            if (got < 0 || value != bytes) {
                return differs(path, fmt::format("its attribute {} is another", shown(name)));
            }
        }
        return {};
    }

    base::Status compare_link(const std::string& path, const Member& wanted,
                              const struct stat& found) {
        const base::UniqueFd other(open_below(root_, wanted.link, O_PATH));
        struct stat status {};
        if (!other || ::fstat(other.get(), &status) != 0) {
            return unreadable(wanted.link, errno);
        }
        return status.st_ino == found.st_ino
                   ? base::Status()
                   : differs(path, fmt::format("it is no hard link to {}", shown(wanted.link)));
    }

    base::Status compare_bytes(const std::string& path, const Member& wanted) {
        const base::UniqueFd fd(open_below(root_, path, O_RDONLY));
        if (!fd) {
            return unreadable(path, errno);
        }
        const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(
            XXH3_createState(), XXH3_freeState);
        XXH3_128bits_reset(state.get());
        buffer_.resize(kPieceBytes);
        for (ssize_t got = 1; got > 0;) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            got = ::read(fd.get(), buffer_.data(), buffer_.size());
            if (got < 0) {
                return unreadable(path, errno);
            }
            XXH3_128bits_update(state.get(), buffer_.data(), static_cast<std::size_t>(got));
            counter_ += static_cast<std::uint64_t>(got);
        }
        HashValue hash{};
        const XXH128_hash_t found = XXH3_128bits_digest(state.get());
        std::memcpy(hash.data(), &found, sizeof found);
        return hash == wanted.hash ? base::Status() : differs(path, "its bytes are others");
    }

    const Tree& tree_;
    int root_;
    Keep keep_;
    const Written& since_;
    const std::atomic<bool>& stop_;
    std::atomic<std::uint64_t>& counter_;
    std::vector<char> buffer_;
};

}  // namespace

void Written::add(const std::string& path) {
    paths_.insert(path);
    // A folder that had to be made changed the time of the one it lies in, and so on.
    for (std::string folder = path; !folder.empty();) {
        const auto slash = folder.rfind('/');
        folder = slash == std::string::npos ? "" : folder.substr(0, slash);
        folders_.insert(folder);
    }
}

void Written::add(const Tree& later) {
    for (const auto& [path, member] : later.members) {
        add(path);
    }
}

base::Status compare_tree(const Tree& tree, int root, Keep keep, const Written& since,
                          const std::atomic<bool>& stop, std::atomic<std::uint64_t>& counter) {
    return Comparer(tree, root, keep, since, stop, counter).run();
}

}  // namespace lineside::media
