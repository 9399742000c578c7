// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/ext4_manifest.h"

#include "station/base/text.h"
#include "workers/proof/escape.h"

extern "C" {  // neither header says so itself in all versions
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
}

#include <map>

namespace lineside::image_build {
namespace {

using proof::FileRecord;

constexpr unsigned kPiece = 1024 * 1024;
constexpr int kMaxDepth = 256;
constexpr std::size_t kMaxLink = 4096;

// The library hands sizes and masks out as int; these are the sane forms.
char type_of(const ext2_inode& inode) {
    const unsigned mode = inode.i_mode;
    switch (mode & 0170000U) {
        case 0100000U:
            return 'f';
        case 0040000U:
            return 'd';
        case 0120000U:
            return 'l';
        case 0020000U:
            return 'c';
        case 0060000U:
            return 'b';
        case 0010000U:
            return 'p';
        default:
            return 's';
    }
}

std::uint64_t size_of(const ext2_inode& inode) {
    return inode.i_size | static_cast<std::uint64_t>(inode.i_size_high) << 32U;
}

class Reader {
  public:
    Reader(ext2_filsys fs, const Tick& tick) : fs_(fs), meter_(tick), buffer_(kPiece, '\0') {}

    base::Result<std::vector<FileRecord>> run() {
        if (auto added = add("/", EXT2_ROOT_INO, 0); !added) {
            return tl::unexpected(added.error());
        }
        std::sort(records_.begin(), records_.end(),
                  [](const FileRecord& a, const FileRecord& b) { return a.path < b.path; });
        return std::move(records_);
    }

  private:
    struct Entry {
        std::string name;
        ext2_ino_t ino = 0;
    };

    static tl::unexpected<base::Error> broken(std::string_view what, const std::string& path,
                                              errcode_t error) {
        return base::fail("image.build",
                          fmt::format("root file system: cannot {} {}: {}", what,
                                      proof::escape_name(path), error_message(error)));
    }

    base::Status add(const std::string& path, ext2_ino_t ino, int depth) {
        if (depth > kMaxDepth) {
            return base::fail("image.build",
                              "root file system: folders too deep at " + proof::escape_name(path));
        }
        ext2_inode inode{};
        if (const errcode_t error = ext2fs_read_inode(fs_, ino, &inode)) {
            return broken("read inode of", path, error);
        }
        FileRecord record;
        record.path = path;
        record.type = type_of(inode);
        record.mode = inode.i_mode & 07777U;
        record.uid = inode_uid(inode);
        record.gid = inode_gid(inode);
        if (auto read = read_attributes(path, ino, record); !read) {
            return read;
        }
        if (record.type == 'f') {
            record.size = size_of(inode);
            if (auto hashed = hash(path, ino, inode, record); !hashed) {
                return hashed;
            }
        } else if (record.type == 'l') {
            if (auto read = read_link(path, ino, inode, record); !read) {
                return read;
            }
        }
        const bool folder = record.type == 'd';
        records_.push_back(std::move(record));
        return folder ? add_folder(path, ino, depth) : base::Status{};
    }

    base::Status add_folder(const std::string& path, ext2_ino_t ino, int depth) {
        std::vector<Entry> entries;
        const auto take = [](ext2_ino_t, int, ext2_dir_entry* entry, int, int, char*,
                             void* user) -> int {
            const auto length = static_cast<std::size_t>(ext2fs_dirent_name_len(entry));
            std::string name(entry->name, length);
            if (entry->inode != 0 && name != "." && name != "..") {
                static_cast<std::vector<Entry>*>(user)->push_back({std::move(name), entry->inode});
            }
            return 0;
        };
        if (const errcode_t error = ext2fs_dir_iterate2(fs_, ino, 0, nullptr, take, &entries)) {
            return broken("read folder", path, error);
        }
        for (const Entry& entry : entries) {
            std::string below = path == "/" ? "/" : path + "/";
            below += entry.name;
            if (auto added = add(below, entry.ino, depth + 1); !added) {
                return added;
            }
        }
        return {};
    }

    base::Status read_attributes(const std::string& path, ext2_ino_t ino, FileRecord& record) {
        ext2_xattr_handle* raw = nullptr;
        if (const errcode_t error = ext2fs_xattrs_open(fs_, ino, &raw)) {
            return broken("read attributes of", path, error);
        }
        const auto close = [](ext2_xattr_handle* handle) { ext2fs_xattrs_close(&handle); };
        const std::unique_ptr<ext2_xattr_handle, decltype(close)> handle(raw, close);
        if (const errcode_t error = ext2fs_xattrs_read(handle.get())) {
            return broken("read attributes of", path, error);
        }
        std::map<std::string, std::string> attributes;
        const auto take = [](char* name, char* value, size_t length, void* user) -> int {
            if (std::string_view(name) != "system.data") {  // inline content, not an attribute
                (*static_cast<std::map<std::string, std::string>*>(user))[name] =
                    std::string(value, length);
            }
            return 0;
        };
        if (const errcode_t error = ext2fs_xattrs_iterate(handle.get(), take, &attributes)) {
            return broken("read attributes of", path, error);
        }
        record.xattrs = xattr_digest(attributes);
        return {};
    }

    base::Status hash(const std::string& path, ext2_ino_t ino, ext2_inode& inode,
                      FileRecord& record) {
        if (inode.i_links_count > 1) {
            if (const auto known = hashes_.find(ino); known != hashes_.end()) {
                record.sha256 = known->second;
                return {};
            }
        }
        base::Sha256 sha;
        auto read =
            read_content(path, ino, inode, [&](std::string_view bytes) { sha.update(bytes); });
        if (!read) {
            return read;
        }
        record.sha256 = sha.hex();
        if (inode.i_links_count > 1) {
            hashes_[ino] = record.sha256;
        }
        return {};
    }

    base::Status read_link(const std::string& path, ext2_ino_t ino, ext2_inode& inode,
                           FileRecord& record) {
        const auto size = size_of(inode);
        if (size == 0 || size > kMaxLink) {
            return base::fail("image.build",
                              "root file system: odd link " + proof::escape_name(path));
        }
        if (ext2fs_is_fast_symlink(&inode) != 0) {
            record.link.assign(reinterpret_cast<const char*>(inode.i_block),
                               static_cast<std::size_t>(size));
        } else {
            auto read = read_content(path, ino, inode,
                                     [&](std::string_view bytes) { record.link += bytes; });
            if (!read) {
                return read;
            }
        }
        record.size = record.link.size();
        record.sha256 = base::sha256_hex(record.link);
        return {};
    }

    base::Status read_content(const std::string& path, ext2_ino_t ino, ext2_inode& inode,
                              const std::function<void(std::string_view)>& take) {
        ext2_file_t raw = nullptr;
        if (const errcode_t error = ext2fs_file_open2(fs_, ino, &inode, 0, &raw)) {
            return broken("open", path, error);
        }
        const std::unique_ptr<ext2_file, errcode_t (*)(ext2_file_t)> file(raw, ext2fs_file_close);
        std::uint64_t length = 0;
        for (;;) {
            unsigned got = 0;
            if (const errcode_t error =
                    ext2fs_file_read(file.get(), buffer_.data(), kPiece, &got)) {
                return broken("read", path, error);
            }
            if (got == 0) {
                break;
            }
            // Inline content comes with the rest of its place in the inode.
            got = static_cast<unsigned>(std::min<std::uint64_t>(got, size_of(inode) - length));
            take({buffer_.data(), got});
            length += got;
            if (auto went_on = meter_.add(got); !went_on) {
                return went_on;
            }
        }
        if (length != size_of(inode)) {
            return base::fail("image.build", "root file system: " + proof::escape_name(path) +
                                                 " is shorter than its inode says");
        }
        return {};
    }

    ext2_filsys fs_;
    Meter meter_;
    std::string buffer_;
    std::vector<FileRecord> records_;
    std::map<ext2_ino_t, std::string> hashes_;  // of inodes with several names
};

}  // namespace

base::Result<std::vector<FileRecord>> read_ext4(const std::filesystem::path& image,
                                                const Tick& tick) {
    initialize_ext2_error_table();
    ext2_filsys raw = nullptr;
    const errcode_t error =
        ext2fs_open(image.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &raw);
    if (error != 0) {
        return base::fail("image.build", fmt::format("{} is no ext4 file system: {}",
                                                     image.string(), error_message(error)));
    }
    const auto close = [](ext2_filsys fs) { ext2fs_free(fs); };
    const std::unique_ptr<struct_ext2_filsys, decltype(close)> fs(raw, close);
    return Reader(fs.get(), tick).run();
}

}  // namespace lineside::image_build
