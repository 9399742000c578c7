// SPDX-License-Identifier: Apache-2.0
// Reads a whole folder tree into sorted FileRecords: every file, folder, link and device with mode,
// owner, extended attributes and SHA-256. The text of all records is the tree's own content key.
// Here `link` also says: of a regular file, the first path of the same inode (hard links are part
// of what mkfs puts into an image); of a device, "major:minor". Thread: any, one at a time; blocks
// on disk.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/meter.h"
#include "workers/image-build/stat_cache.h"
#include "workers/proof/manifest.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lineside::image_build {

struct Tree {
    std::vector<proof::FileRecord> records;  // sorted by path; the root itself is "/"
    std::uint64_t bytes = 0;                 // of regular files, each inode once
    std::string sha256;                      // over text()
    [[nodiscard]] std::string text() const;  // one line per record: what tree.jsonl holds
};

// One thing of a tree with its stat(), not hashed yet (links are: their target is at hand).
struct Listed {
    proof::FileRecord record;
    struct stat status {};
};
// Everything below `root`, and the root itself, sorted by path. Errors: image.build.
[[nodiscard]] base::Result<std::vector<Listed>> list_tree(const std::filesystem::path& root);

// Of a folder, or of an archive as it is, which then is the one record "/". Errors: image.build
// when something cannot be read or changed while it was read; those of `tick`.
[[nodiscard]] base::Result<Tree> scan_tree(const std::filesystem::path& root, StatCache& cache,
                                           const Tick& tick);

// Which path of an inode came first.
class HardLinks {
  public:
    [[nodiscard]] const proof::FileRecord* first_of(const Listed& item) const;
    void add(const Listed& item);  // after it was hashed

  private:
    std::map<std::pair<dev_t, ino_t>, proof::FileRecord> first_;
};

// SHA-256 over extended attributes: name, NUL, decimal length, NUL, value; sorted by name. "" when
// none.
[[nodiscard]] std::string xattr_digest(const std::map<std::string, std::string>& attributes);
// Extended attributes of `path` itself (links are not followed) without overlayfs' own.
[[nodiscard]] base::Result<std::map<std::string, std::string>> read_xattrs(const std::string& path);

// The first path in which two sorted lists of records differ, "" when they are equal.
[[nodiscard]] std::string first_difference(const std::vector<proof::FileRecord>& a,
                                           const std::vector<proof::FileRecord>& b);

}  // namespace lineside::image_build
