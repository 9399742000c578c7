// SPDX-License-Identifier: Apache-2.0
// A product as files: a tar, packed as libarchive knows it, or one plain file. Read once before
// anything is written: is it whole, does any path leave the folder it is unpacked to, what must be
// found afterwards. The list is what the copy is proven by.
// Errors: config.missing, media.source, media.too_small, operator.stopped, unit.storage,
// image.mismatch, disk.full.   Thread: the setup's; blocks on disk.
#pragma once

#include "workers/media/engine/prepared_image.h"

#include <sys/types.h>

#include <map>
#include <set>

namespace lineside::media {

struct Member {
    mode_t mode = 0;  // type and rights
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t size = 0;
    std::int64_t mtime = 0;  // seconds
    dev_t rdev = 0;
    std::string link;   // where a symbolic link points; of a hard link the path of the other
    bool hard = false;  // a hard link
    HashValue hash{};   // of a plain file's bytes, XXH3-128
    std::map<std::string, std::string> xattrs;
};

struct Tree {
    std::filesystem::path file;
    bool packed = true;  // a tar; false: `file` itself is the one member
    // By path without "./" in front and "/" behind; "" is the folder itself. A path that comes
    // twice counts as it came last.
    std::map<std::string, Member> members;
    std::uint64_t bytes = 0;  // of all plain files
    std::string sha256;       // of `file`
};

// Refused are: a path that is absolute or holds "..", a member or hard link that goes through a
// symbolic link, a name longer than Linux takes, a tar that is cut or damaged.
[[nodiscard]] base::Result<Tree> scan_tree(const std::filesystem::path& file,
                                           const std::atomic<bool>& stop);
// Why FAT cannot hold it, or "".
[[nodiscard]] std::string why_not_on_fat(const Tree& tree);
// Why `later` cannot be unpacked over `first`, or "".
[[nodiscard]] std::string why_not_over(const Tree& first, const Tree& later);

enum class Keep {
    all,    // owners, rights, times, xattrs
    files,  // names, bytes and times: what FAT has
};
// Unpacks into the folder `root`. The tar is trusted no more than the first time.
// Thread: changes the thread's own current folder meanwhile (unshare).
[[nodiscard]] base::Status unpack_tree(const Tree& tree, int root, Keep keep,
                                       const std::atomic<bool>& stop,
                                       std::atomic<std::uint64_t>& counter);
// Paths that were written after a tree, and the folders they lie in, whose times are others now.
class Written {
  public:
    void add(const std::string& path);
    void add(const Tree& later);
    [[nodiscard]] bool holds(const std::string& path) const { return paths_.contains(path); }
    [[nodiscard]] bool into(const std::string& folder) const { return folders_.contains(folder); }

  private:
    std::set<std::string> paths_, folders_;
};
// Reads everything below `root` that `tree` names and compares, but for what was written since.
[[nodiscard]] base::Status compare_tree(const Tree& tree, int root, Keep keep, const Written& since,
                                        const std::atomic<bool>& stop,
                                        std::atomic<std::uint64_t>& counter);

}  // namespace lineside::media
