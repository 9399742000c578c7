// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/tree_copy.h"

#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/proof/escape.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>

namespace lineside::image_build {
namespace {

using proof::FileRecord;

constexpr std::size_t kPiece = 1024 * 1024;

tl::unexpected<base::Error> cannot(std::string_view what, const std::string& path, int error) {
    const bool full = error == ENOSPC || error == EDQUOT;
    return base::fail_errno(full ? "disk.full" : "image.build",
                            fmt::format("cannot {} {}", what, proof::escape_name(path)), error);
}

class Copier {
  public:
    Copier(std::string from, std::string to, const Tick& tick)
        : from_(std::move(from)), to_(std::move(to)), meter_(tick), buffer_(kPiece, '\0') {}

    base::Result<Tree> run() {
        auto listed = list_tree(from_);
        if (!listed) {
            return tl::unexpected(listed.error());
        }
        for (const Listed& item : *listed) {
            meter_.expect(item.record.type == 'f' ? item.record.size : 0);
        }
        Tree tree;
        tree.records.reserve(listed->size());
        HardLinks links;
        for (Listed& item : *listed) {
            const FileRecord* first = item.record.type == 'f' ? links.first_of(item) : nullptr;
            if (auto made = make(item, first); !made) {
                return tl::unexpected(made.error());
            }
            tree.bytes += item.record.type == 'f' && first == nullptr ? item.record.size : 0;
            links.add(item);
            tree.records.push_back(item.record);
        }
        // Folders last and from the inside out: making their content changed their times.
        for (auto item = listed->rbegin(); item != listed->rend(); ++item) {
            if (item->record.type == 'd') {
                if (auto set = set_times(*item); !set) {
                    return tl::unexpected(set.error());
                }
            }
        }
        const base::UniqueFd top(open(to_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!top || syncfs(top.get()) != 0) {
            return cannot("sync", to_, errno);
        }
        tree.sha256 = base::sha256_hex(tree.text());
        return tree;
    }

  private:
    base::Status make(Listed& item, const FileRecord* first) {
        const std::string target = item.record.path == "/" ? to_ : to_ + item.record.path;
        if (first != nullptr) {
            if (link((to_ + first->path).c_str(), target.c_str()) != 0) {
                return cannot("link", target, errno);
            }
            item.record.link = first->path;
            item.record.sha256 = first->sha256;
            return {};
        }
        switch (item.record.type) {
            case 'd':
                if (mkdir(target.c_str(), 0700) != 0) {
                    return cannot("make folder", target, errno);
                }
                break;
            case 'l':
                if (symlink(item.record.link.c_str(), target.c_str()) != 0) {
                    return cannot("make link", target, errno);
                }
                break;
            case 'f':
                if (auto copied = copy_content(item, target); !copied) {
                    return copied;
                }
                break;
            default:
                if (mknod(target.c_str(), item.status.st_mode, item.status.st_rdev) != 0) {
                    return cannot("make device", target, errno);
                }
        }
        return set_attributes(item, target);
    }

    base::Status set_attributes(const Listed& item, const std::string& target) {
        // Owner first: chown takes setuid bits and capabilities away.
        if (lchown(target.c_str(), item.record.uid, item.record.gid) != 0) {
            return cannot("set owner of", target, errno);
        }
        if (item.record.type != 'l' && chmod(target.c_str(), item.record.mode) != 0) {
            return cannot("set mode of", target, errno);
        }
        if (!item.record.xattrs.empty()) {
            auto attributes =
                read_xattrs(item.record.path == "/" ? from_ : from_ + item.record.path);
            if (!attributes) {
                return tl::unexpected(attributes.error());
            }
            for (const auto& [name, value] : *attributes) {
                if (lsetxattr(target.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
                    return cannot("set attributes of", target, errno);
                }
            }
        }
        return item.record.type == 'd' ? base::Status{} : set_times(item);
    }

    base::Status set_times(const Listed& item) {
        const std::string target = item.record.path == "/" ? to_ : to_ + item.record.path;
        const struct timespec times[2] = {item.status.st_atim, item.status.st_mtim};
        if (utimensat(AT_FDCWD, target.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
            return cannot("set times of", target, errno);
        }
        return {};
    }

    base::Status copy_content(Listed& item, const std::string& target) {
        const std::string source = from_ + item.record.path;
        const base::UniqueFd in(open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!in) {
            return cannot("open", source, errno);
        }
        const base::UniqueFd out(
            open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!out) {
            return cannot("create", target, errno);
        }
        const bool shared = item.record.size > 0 && ioctl(out.get(), FICLONE, in.get()) == 0;
        base::Sha256 sha;
        std::uint64_t at = 0;
        while (at < item.record.size) {
            auto data = next_data(in.get(), at, item.record.size);
            for (; at < data.first; at += add_zeros(sha, data.first - at)) {
            }
            if (auto copied = copy_range(in.get(), shared ? -1 : out.get(), at, data.second, sha,
                                         source, target);
                !copied) {
                return copied;
            }
            at = data.second;
        }
        if (!shared && ftruncate(out.get(), static_cast<off_t>(item.record.size)) != 0) {
            return cannot("write", target, errno);
        }
        item.record.sha256 = sha.hex();
        return {};
    }

    // The next run of data at or after `at`; both ends at the file's end when only a hole is left.
    static std::pair<std::uint64_t, std::uint64_t> next_data(int fd, std::uint64_t at,
                                                             std::uint64_t size) {
        const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
        if (data < 0) {
            return errno == ENXIO ? std::pair{size, size} : std::pair{at, size};
        }
        const off_t hole = lseek(fd, data, SEEK_HOLE);
        const auto end = hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size);
        return {static_cast<std::uint64_t>(data), end};
    }

    static std::uint64_t add_zeros(base::Sha256& sha, std::uint64_t count) {
        static const std::string kZeros(kPiece, '\0');
        count = std::min<std::uint64_t>(count, kZeros.size());
        sha.update({kZeros.data(), static_cast<std::size_t>(count)});
        return count;
    }

    base::Status copy_range(int in, int out, std::uint64_t at, std::uint64_t end, base::Sha256& sha,
                            const std::string& source, const std::string& target) {
        while (at < end) {
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - at));
            const ssize_t got = pread(in, buffer_.data(), wanted, static_cast<off_t>(at));
            if (got < 0) {
                return cannot("read", source, errno);
            }
            if (got == 0) {
                return base::fail("image.build", proof::escape_name(source) +
                                                     " became shorter while it was copied");
            }
            const auto length = static_cast<std::size_t>(got);
            sha.update({buffer_.data(), length});
            for (std::size_t done = 0; out >= 0 && done < length;) {
                const ssize_t put = pwrite(out, buffer_.data() + done, length - done,
                                           static_cast<off_t>(at + done));
                if (put <= 0) {
                    return cannot("write", target, put == 0 ? ENOSPC : errno);
                }
                done += static_cast<std::size_t>(put);
            }
            at += length;
            if (auto went_on = meter_.add(length); !went_on) {
                return went_on;
            }
        }
        return {};
    }

    std::string from_;
    std::string to_;
    Meter meter_;
    std::string buffer_;
};

}  // namespace

base::Result<Tree> copy_tree(const std::filesystem::path& from, const std::filesystem::path& to,
                             const Tick& tick) {
    return Copier(from.string(), to.string(), tick).run();
}

}  // namespace lineside::image_build
