// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/tree_scan.h"

#include "station/base/clock.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/proof/escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>

namespace lineside::image_build {
namespace {

using proof::FileRecord;

constexpr std::size_t kPiece = 1024 * 1024;

tl::unexpected<base::Error> cannot(std::string_view what, const std::string& path, int error) {
    return base::fail_errno(error == ENOSPC ? "disk.full" : "image.build",
                            fmt::format("cannot {} {}", what, proof::escape_name(path)), error);
}

bool same_state(const struct stat& a, const struct stat& b) {
    return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

char type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return 'f';
        case S_IFDIR:
            return 'd';
        case S_IFLNK:
            return 'l';
        case S_IFCHR:
            return 'c';
        case S_IFBLK:
            return 'b';
        case S_IFIFO:
            return 'p';
        default:
            return 's';
    }
}

class Lister {
  public:
    explicit Lister(std::string root) : root_(std::move(root)) {}

    base::Result<std::vector<Listed>> run() {
        if (auto added = add("/", root_); !added) {
            return tl::unexpected(added.error());
        }
        if (listed_.front().record.type == 'f') {
            return std::move(listed_);  // an archive is a tree of one file
        }
        if (auto walked = walk("/"); !walked) {
            return tl::unexpected(walked.error());
        }
        std::sort(listed_.begin(), listed_.end(),
                  [](const Listed& a, const Listed& b) { return a.record.path < b.record.path; });
        return std::move(listed_);
    }

  private:
    // `path` is the folder's place below root_, "/" or "/a/b".
    base::Status walk(const std::string& path) {
        const std::string real = path == "/" ? root_ : root_ + path;
        DIR* folder = opendir(real.c_str());
        if (folder == nullptr) {
            return cannot("read folder", real, errno);
        }
        const std::unique_ptr<DIR, int (*)(DIR*)> closer(folder, closedir);
        std::vector<std::string> folders;
        for (;;) {
            errno = 0;
            const dirent* item = readdir(folder);
            if (item == nullptr) {
                if (errno != 0) {
                    return cannot("read folder", real, errno);
                }
                break;
            }
            const std::string_view name = item->d_name;
            if (name == "." || name == "..") {
                continue;
            }
            std::string below = path == "/" ? "/" : path + "/";
            below += name;
            if (auto added = add(below, root_ + below); !added) {
                return added;
            }
            if (listed_.back().record.type == 'd') {
                folders.push_back(std::move(below));
            }
        }
        for (const std::string& below : folders) {
            if (auto walked = walk(below); !walked) {
                return walked;
            }
        }
        return {};
    }

    base::Status add(const std::string& path, const std::string& real) {
        Listed listed;
        if (lstat(real.c_str(), &listed.status) != 0) {
            return cannot("stat", real, errno);
        }
        FileRecord& record = listed.record;
        record.path = path;
        record.type = type_of(listed.status.st_mode);
        record.mode = listed.status.st_mode & 07777U;
        record.uid = listed.status.st_uid;
        record.gid = listed.status.st_gid;
        if (record.type == 'f') {
            record.size = static_cast<std::uint64_t>(listed.status.st_size);
        } else if (record.type == 'l') {
            if (auto read = read_link(real, record); !read) {
                return read;
            }
        } else if (record.type == 'c' || record.type == 'b') {
            record.link =
                fmt::format("{}:{}", major(listed.status.st_rdev), minor(listed.status.st_rdev));
        }
        auto attributes = read_xattrs(real);
        if (!attributes) {
            return tl::unexpected(attributes.error());
        }
        record.xattrs = xattr_digest(*attributes);
        listed_.push_back(std::move(listed));
        return {};
    }

    static base::Status read_link(const std::string& real, FileRecord& record) {
        std::string target(4097, '\0');
        const ssize_t length = readlink(real.c_str(), target.data(), target.size());
        if (length < 0) {
            return cannot("read link", real, errno);
        }
        target.resize(static_cast<std::size_t>(length));
        record.size = target.size();
        record.sha256 = base::sha256_hex(target);
        record.link = std::move(target);
        return {};
    }

    std::string root_;
    std::vector<Listed> listed_;
};

class Hasher {
  public:
    Hasher(std::string root, StatCache& cache, const Tick& tick, std::uint64_t total)
        : root_(std::move(root)), cache_(cache), meter_(tick, total) {}

    base::Status hash(Listed& listed) {
        const std::string real = listed.record.path == "/" ? root_ : root_ + listed.record.path;
        if (auto known = cache_.find(listed.status)) {
            listed.record.sha256 = std::move(*known);
            return meter_.add(listed.record.size);
        }
        const std::int64_t from_ns = base::SystemClock().wall_ms() * 1'000'000;
        const base::UniqueFd file(open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!file) {
            return cannot("open", real, errno);
        }
        base::Sha256 sha;
        std::uint64_t length = 0;
        buffer_.resize(kPiece);
        for (;;) {
            const ssize_t got = read(file.get(), buffer_.data(), buffer_.size());
            if (got < 0) {
                return cannot("read", real, errno);
            }
            if (got == 0) {
                break;
            }
            sha.update({buffer_.data(), static_cast<std::size_t>(got)});
            length += static_cast<std::uint64_t>(got);
            if (auto went_on = meter_.add(static_cast<std::uint64_t>(got)); !went_on) {
                return went_on;
            }
        }
        struct stat after {};
        if (fstat(file.get(), &after) != 0) {
            return cannot("stat", real, errno);
        }
        if (length != listed.record.size || !same_state(after, listed.status)) {
            return base::fail("image.build",
                              proof::escape_name(real) + " changed while it was read");
        }
        listed.record.sha256 = sha.hex();
        cache_.add(after, listed.record.sha256, from_ns);
        return {};
    }

  private:
    std::string root_;
    StatCache& cache_;
    Meter meter_;
    std::string buffer_;
};

}  // namespace

std::string Tree::text() const {
    std::string out;
    out.reserve(records.size() * 160);
    for (const FileRecord& record : records) {
        out += format_record(record);
    }
    return out;
}

base::Result<std::vector<Listed>> list_tree(const std::filesystem::path& root) {
    return Lister(root.string()).run();
}

base::Result<Tree> scan_tree(const std::filesystem::path& given, StatCache& cache,
                             const Tick& tick) {
    // An archive may be named by a link, as in "latest.tbz2".
    std::error_code none;
    const auto root =
        std::filesystem::is_regular_file(given, none) ? std::filesystem::canonical(given) : given;
    auto listed = list_tree(root);
    if (!listed) {
        return tl::unexpected(listed.error());
    }
    std::uint64_t total = 0;
    for (const Listed& item : *listed) {
        total += item.record.type == 'f' ? item.record.size : 0;
    }
    Hasher hasher(root.string(), cache, tick, total);
    Tree tree;
    tree.records.reserve(listed->size());
    HardLinks links;
    for (Listed& item : *listed) {
        if (item.record.type == 'f') {
            if (const FileRecord* first = links.first_of(item)) {
                item.record.link = first->path;
                item.record.sha256 = first->sha256;
            } else {
                if (auto hashed = hasher.hash(item); !hashed) {
                    return tl::unexpected(hashed.error());
                }
                tree.bytes += item.record.size;
            }
        }
        links.add(item);
        tree.records.push_back(std::move(item.record));
    }
    tree.sha256 = base::sha256_hex(tree.text());
    return tree;
}

const FileRecord* HardLinks::first_of(const Listed& item) const {
    if (item.status.st_nlink < 2) {
        return nullptr;
    }
    const auto it = first_.find({item.status.st_dev, item.status.st_ino});
    return it == first_.end() ? nullptr : &it->second;
}

void HardLinks::add(const Listed& item) {
    if (item.record.type == 'f' && item.status.st_nlink > 1) {
        first_.try_emplace({item.status.st_dev, item.status.st_ino}, item.record);
    }
}

std::string xattr_digest(const std::map<std::string, std::string>& attributes) {
    if (attributes.empty()) {
        return {};
    }
    base::Sha256 sha;
    for (const auto& [name, value] : attributes) {
        sha.update(name);
        sha.update(std::string_view("\0", 1));
        sha.update(std::to_string(value.size()));
        sha.update(std::string_view("\0", 1));
        sha.update(value);
    }
    return sha.hex();
}

base::Result<std::map<std::string, std::string>> read_xattrs(const std::string& path) {
    std::map<std::string, std::string> out;
    ssize_t length = llistxattr(path.c_str(), nullptr, 0);
    if (length == 0 || (length < 0 && errno == ENOTSUP)) {
        return out;
    }
    std::string names(static_cast<std::size_t>(std::max<ssize_t>(length, 0)), '\0');
    length = length < 0 ? -1 : llistxattr(path.c_str(), names.data(), names.size());
    if (length < 0) {
        return cannot("list attributes of", path, errno);
    }
    names.resize(static_cast<std::size_t>(length));
    for (const std::string_view name : base::split(names, '\0')) {
        if (name.empty() || name.starts_with("trusted.overlay.") ||
            name.starts_with("user.overlay.")) {
            continue;
        }
        const std::string key(name);
        std::string value(65536, '\0');
        const ssize_t got = lgetxattr(path.c_str(), key.c_str(), value.data(), value.size());
        if (got < 0) {
            return cannot("read attributes of", path, errno);
        }
        value.resize(static_cast<std::size_t>(got));
        out[key] = std::move(value);
    }
    return out;
}

std::string first_difference(const std::vector<FileRecord>& a, const std::vector<FileRecord>& b) {
    std::size_t i = 0;
    while (i < a.size() && i < b.size() && a[i] == b[i]) {
        ++i;
    }
    if (i == a.size() && i == b.size()) {
        return {};
    }
    if (i == a.size() || i == b.size()) {
        return i == a.size() ? b[i].path : a[i].path;
    }
    return std::min(a[i].path, b[i].path);
}

}  // namespace lineside::image_build
