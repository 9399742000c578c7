// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/media/recipe/tar_reader.h"
#include "workers/media/recipe/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace lineside::media {
namespace {

constexpr std::size_t kMostMembers = 4'000'000;
constexpr std::size_t kMostPath = 4095;
constexpr std::size_t kMostName = 255;
constexpr std::uint64_t kMostFatFile = (std::uint64_t{1} << 32) - 1;

using Members = std::map<std::string, Member>;

// Is there a member that lies in `path` as in a folder?
bool has_children(const Members& members, const std::string& path) {
    const std::string below = path + "/";
    const auto next = members.lower_bound(below);
    return next != members.end() && next->first.starts_with(below);
}

// Why `path` must not be unpacked after `members`, or "".
std::string why_path_refused(const Members& members, const std::string& path) {
    if (path.size() > kMostPath) {
        return "its path is too long";
    }
    for (const std::string_view step : base::split(path, '/')) {
        if (step.size() > kMostName) {
            return "a name in it is too long";
        }
    }
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
        const auto parent = members.find(path.substr(0, at));
        if (parent != members.end() && !S_ISDIR(parent->second.mode)) {
            return S_ISLNK(parent->second.mode)
                       ? fmt::format("it goes through the symbolic link {} -> {}",
                                     shown(parent->first), shown(parent->second.link))
                       : fmt::format("{} is no folder", shown(parent->first));
        }
    }
    return {};
}

class Scanner {
  public:
    Scanner(const std::filesystem::path& file, const std::atomic<bool>& stop) : stop_(stop) {
        // Unpacking changes the current folder, commands may too.
        tree_.file = std::filesystem::absolute(file);
    }

    base::Result<Tree> run() {
        auto tar = is_tar(tree_.file);
        if (!tar) {
            return tl::unexpected<base::Error>(tar.error());
        }
        tree_.packed = *tar;
        if (auto hashed = hash_file(); !hashed) {
            return tl::unexpected<base::Error>(hashed.error());
        }
        auto read = TarReader::each(
            tree_.file, tree_.packed,
            [this](TarReader& reader, archive_entry* entry) { return take(reader, entry); });
        if (!read) {
            return tl::unexpected<base::Error>(read.error());
        }
        if (tree_.members.empty()) {
            return base::fail("media.source", tree_.file.string() + ": there is nothing in it");
        }
        for (const auto& [path, member] : tree_.members) {
            tree_.bytes += S_ISREG(member.mode) && !member.hard ? member.size : 0;
        }
        return std::move(tree_);
    }

  private:
    tl::unexpected<base::Error> refused(std::string_view path, std::string_view why) const {
        return base::fail("media.source",
                          fmt::format("{}: the member {} is refused: {}; pack it anew",
                                      tree_.file.string(), shown(path), why));
    }

    base::Status hash_file() {
        const base::UniqueFd fd(::open(tree_.file.c_str(), O_RDONLY | O_CLOEXEC));
        base::Sha256 hash;
        std::vector<char> buffer(kPieceBytes);
        for (ssize_t got = 1; got > 0;) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            got = ::read(fd.get(), buffer.data(), buffer.size());
            if (got < 0) {
                return base::fail_errno("media.source", "cannot read " + tree_.file.string(),
                                        errno);
            }
            hash.update({buffer.data(), static_cast<std::size_t>(got)});
        }
        tree_.sha256 = hash.hex();
        return {};
    }

    base::Status take(TarReader& reader, archive_entry* entry) {
        const char* const name = archive_entry_pathname(entry);
        if (name == nullptr) {
            return refused("?", "its name is not UTF-8");
        }
        const auto path = path_inside(name);
        if (!path) {
            return refused(name, "its path leaves the folder it is unpacked to");
        }
        if (std::string why = why_path_refused(tree_.members, *path); !why.empty()) {
            return refused(name, why);
        }
        Member member;
        if (const char* const other = archive_entry_hardlink(entry); other != nullptr) {
            const auto target = path_inside(other);
            if (!target || !why_path_refused(tree_.members, *target).empty()) {
                return refused(name, "it is a hard link to what lies outside");
            }
            const auto found = tree_.members.find(*target);
            if (found == tree_.members.end() || S_ISDIR(found->second.mode)) {
                return refused(name, "it is a hard link to what did not come before it");
            }
            member = found->second;
            member.hard = true;
            member.link = *target;
        } else if (auto read = read_member(reader, entry, name, member); !read) {
            return read;
        }
        const bool folder = S_ISDIR(member.mode);
        if (!folder && (path->empty() || has_children(tree_.members, *path))) {
            return refused(name, "it takes the place of a folder");
        }
        if (tree_.members.size() >= kMostMembers) {
            return refused(name, fmt::format("it is one of more than {}", kMostMembers));
        }
        tree_.members[*path] = std::move(member);
        return {};
    }

    base::Status read_member(TarReader& reader, archive_entry* entry, const char* name,
                             Member& member) {
        member.mode = archive_entry_mode(entry);
        member.uid = static_cast<uid_t>(archive_entry_uid(entry));
        member.gid = static_cast<gid_t>(archive_entry_gid(entry));
        member.mtime = archive_entry_mtime(entry);
        const char* xattr = nullptr;
        const void* value = nullptr;
        std::size_t length = 0;
        archive_entry_xattr_reset(entry);
        while (archive_entry_xattr_next(entry, &xattr, &value, &length) == ARCHIVE_OK) {
            // The others are ACLs in the kernel's own form, or of XFS alone: libarchive leaves
            // them.
            const std::string_view text = xattr;
            if (!text.starts_with("system.") && !text.starts_with("xfsroot.")) {
                member.xattrs[xattr] = std::string(static_cast<const char*>(value), length);
            }
        }
        switch (archive_entry_filetype(entry)) {
            case AE_IFREG:
                member.size = static_cast<std::uint64_t>(archive_entry_size(entry));
                return hash_data(reader, member);
            case AE_IFLNK: {
                const char* const target = archive_entry_symlink(entry);
                if (target == nullptr) {
                    return refused(name, "where it points is not UTF-8");
                }
                member.link = target;
                return {};
            }
            case AE_IFCHR:
            case AE_IFBLK:
                member.rdev = archive_entry_rdev(entry);
                return {};
            case AE_IFDIR:
            case AE_IFIFO:
                return {};
            default:
                return refused(name, "it is neither file, folder, link, device nor pipe");
        }
    }

    base::Status hash_data(TarReader& reader, Member& member) {
        const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(
            XXH3_createState(), XXH3_freeState);
        XXH3_128bits_reset(state.get());
        buffer_.resize(kPieceBytes);
        std::uint64_t bytes = 0;
        for (;;) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            const auto got = archive_read_data(reader.get(), buffer_.data(), buffer_.size());
            if (got < 0) {
                return reader.damaged();
            }
            if (got == 0) {
                break;
            }
            bytes += static_cast<std::uint64_t>(got);
            XXH3_128bits_update(state.get(), buffer_.data(), static_cast<std::size_t>(got));
        }
        // A hole at the end of a sparse file is no data to libarchive, which cuts holes only there.
        std::fill(buffer_.begin(), buffer_.end(), '\0');
        while (bytes < member.size) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            const auto zeros = static_cast<std::size_t>(
                std::min<std::uint64_t>(buffer_.size(), member.size - bytes));
            XXH3_128bits_update(state.get(), buffer_.data(), zeros);
            bytes += zeros;
        }
        member.size = bytes;
        const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
        std::memcpy(member.hash.data(), &hash, sizeof hash);
        return {};
    }

    const std::atomic<bool>& stop_;
    Tree tree_;
    std::vector<char> buffer_;
};

std::string why_no_fat_name(std::string_view name) {
    for (const char c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
            std::string_view("\"*:<>?\\|").find(c) != std::string_view::npos) {
            return "a name there may not hold " + shown({&c, 1});
        }
    }
    return name.ends_with('.') || name.ends_with(' ') ? "a name there ends in no dot or blank" : "";
}

}  // namespace

std::string why_not_over(const Tree& first, const Tree& later) {
    for (const auto& [path, member] : later.members) {
        std::string why = why_path_refused(first.members, path);
        const auto there = first.members.find(path);
        if (why.empty() && !S_ISDIR(member.mode) &&
            ((there != first.members.end() && S_ISDIR(there->second.mode)) ||
             has_children(first.members, path))) {
            why = "it takes the place of a folder";
        }
        if (!why.empty()) {
            return fmt::format("{}: the member {} does not go onto {}: {}; pack it anew",
                               later.file.string(), shown(path), first.file.string(), why);
        }
    }
    return {};
}

base::Result<Tree> scan_tree(const std::filesystem::path& file, const std::atomic<bool>& stop) {
    return Scanner(file, stop).run();
}

std::string why_not_on_fat(const Tree& tree) {
    std::map<std::string, std::string> lower;
    for (const auto& [path, member] : tree.members) {
        auto refused = [&, &its_path = path](std::string_view why) {
            return fmt::format("{}: FAT cannot hold {}: {}", tree.file.string(), shown(its_path),
                               why);
        };
        if (!S_ISREG(member.mode) && !S_ISDIR(member.mode)) {
            return refused("it is neither file nor folder");
        }
        if (member.size > kMostFatFile) {
            return refused("it has 4 GiB or more");
        }
        const auto slash = path.rfind('/');
        const std::string why =
            why_no_fat_name(slash == std::string::npos ? path : path.substr(slash + 1));
        if (!why.empty()) {
            return refused(why);
        }
        const auto put = lower.emplace(base::to_lower_ascii(path), path);
        if (!put.second) {
            return refused(fmt::format("{} is the same name there", shown(put.first->second)));
        }
    }
    return {};
}

}  // namespace lineside::media
