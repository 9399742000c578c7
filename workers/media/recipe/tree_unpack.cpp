// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/mounted.h"
#include "workers/media/recipe/tar_reader.h"
#include "workers/media/recipe/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace lineside::media {
namespace {

struct FreeDisk {
    void operator()(archive* disk) const { archive_write_free(disk); }
};

class Unpacker {
  public:
    Unpacker(const Tree& tree, Keep keep, const std::atomic<bool>& stop,
             std::atomic<std::uint64_t>& counter)
        : tree_(tree), keep_(keep), stop_(stop), counter_(counter) {
        int flags = ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                    ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
        if (keep_ == Keep::all) {
            // Owners by number: the names of this host mean nothing on the unit.
            flags |= ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_XATTR |
                     ARCHIVE_EXTRACT_ACL;
        }
        disk_.reset(archive_write_disk_new());
        archive_write_disk_set_options(disk_.get(), flags | ARCHIVE_EXTRACT_TIME);
    }

    base::Status run(int root) {
        auto read = TarReader::each(
            tree_.file, tree_.packed,
            [this](TarReader& reader, archive_entry* entry) { return put_member(reader, entry); });
        if (!read) {
            return read;
        }
        return archive_write_close(disk_.get()) == ARCHIVE_OK ? set_folder_times(root) : failed("");
    }

  private:
    tl::unexpected<base::Error> failed(std::string_view path) const {
        const int why = archive_errno(disk_.get());
        const char* const words = archive_error_string(disk_.get());
        const std::string what = fmt::format("{}: cannot unpack {}: {}", tree_.file.string(),
                                             shown(path), words == nullptr ? "?" : words);
        if (base::no_room(why)) {
            return keep_ == Keep::all
                       ? base::fail("media.too_small", what + "; make the partition larger")
                       : base::fail("disk.full", what);
        }
        return base::fail("unit.storage", what);
    }

    base::Status put_member(TarReader& reader, archive_entry* entry) {
        const char* const name = archive_entry_pathname(entry);
        const auto path = path_inside(name == nullptr ? "" : name);
        // The first look found every path good: the file is another one now.
        if (!path || (!path->empty() && !tree_.members.contains(*path))) {
            return base::fail("media.source", tree_.file.string() + " changed while it was used");
        }
        archive_entry_set_pathname(entry, path->empty() ? "." : path->c_str());
        if (const char* const other = archive_entry_hardlink(entry); other != nullptr) {
            const auto target = path_inside(other);
            if (!target) {
                return base::fail("media.source",
                                  tree_.file.string() + " changed while it was used");
            }
            archive_entry_set_hardlink(entry, target->c_str());
        }
        if (archive_entry_filetype(entry) == AE_IFDIR && archive_entry_mtime_is_set(entry) != 0) {
            folder_times_[*path] = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
        } else {
            folder_times_.erase(*path);
        }
        if (archive_write_header(disk_.get(), entry) != ARCHIVE_OK) {
            return failed(*path);
        }
        if (auto copied = copy_data(reader, *path); !copied) {
            return copied;
        }
        return archive_write_finish_entry(disk_.get()) == ARCHIVE_OK ? base::Status()
                                                                     : failed(*path);
    }

    // libarchive puts off the times of folders that it makes until all is in them, but not of those
    // that were there: the file system's own, and what an earlier product brought.
    base::Status set_folder_times(int root) const {
        for (const auto& [path, time] : folder_times_) {
            const base::UniqueFd fd(
                open_below(root, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY));
            const std::array<timespec, 2> times{{{0, UTIME_OMIT}, time}};
            if (!fd || ::futimens(fd.get(), times.data()) != 0) {
                return base::fail_errno(
                    "unit.storage", fmt::format("cannot set the time of /{}", shown(path)), errno);
            }
        }
        return {};
    }

    base::Status copy_data(TarReader& reader, const std::string& path) {
        for (;;) {
            if (stop_) {
                return base::fail("operator.stopped");
            }
            const void* bytes = nullptr;
            std::size_t length = 0;
            la_int64_t offset = 0;
            const int status = archive_read_data_block(reader.get(), &bytes, &length, &offset);
            if (status == ARCHIVE_EOF) {
                return {};
            }
            if (status != ARCHIVE_OK) {
                return reader.damaged();
            }
            if (archive_write_data_block(disk_.get(), bytes, length, offset) < ARCHIVE_OK) {
                return failed(path);
            }
            counter_ += length;
        }
    }

    const Tree& tree_;
    Keep keep_;
    const std::atomic<bool>& stop_;
    std::atomic<std::uint64_t>& counter_;
    std::map<std::string, timespec> folder_times_;
    std::unique_ptr<archive, FreeDisk> disk_;
};

}  // namespace

base::Status unpack_tree(const Tree& tree, int root, Keep keep, const std::atomic<bool>& stop,
                         std::atomic<std::uint64_t>& counter) {
    base::Status result;
    // libarchive unpacks into the current folder: a thread of its own has its own one, and the file
    // system under `root` is not held open by it afterwards.
    std::thread([&] {
        if (::unshare(CLONE_FS) != 0 || ::fchdir(root) != 0) {
            result =
                base::fail_errno("host.unfit", "cannot change into the folder to unpack to", errno);
            return;
        }
        ::umask(0);  // the thread's own since unshare()
        result = Unpacker(tree, keep, stop, counter).run(root);
    }).join();
    return result;
}

}  // namespace lineside::media
