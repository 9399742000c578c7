// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/tar_manifest.h"

#include "station/base/text.h"
#include "workers/proof/escape.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <map>
#include <memory>
#include <optional>

namespace lineside::image_build {
namespace {

using proof::FileRecord;

constexpr std::size_t kReadBlock = 1U << 20U;
constexpr std::size_t kMaxEntries = 2'000'000;
constexpr std::size_t kMaxPath = 4096;

struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
};

// "./usr/bin/sh" -> "/usr/bin/sh"; nothing: it leaves the archive.
std::optional<std::string> place_of(std::string_view name) {
    std::string place;
    for (const auto part : base::split(name, '/')) {
        if (part == "..") {
            return std::nullopt;
        }
        if (!part.empty() && part != ".") {
            place += "/" + std::string(part);
        }
    }
    return place.empty() ? std::string("/") : place;
}

char type_of(const archive_entry* entry) {
    switch (archive_entry_filetype(const_cast<archive_entry*>(entry))) {
        case AE_IFREG:
            return 'f';
        case AE_IFDIR:
            return 'd';
        case AE_IFLNK:
            return 'l';
        case AE_IFCHR:
            return 'c';
        case AE_IFBLK:
            return 'b';
        case AE_IFIFO:
            return 'p';
        default:
            return 's';
    }
}

std::string xattrs_of(archive_entry* entry) {
    std::map<std::string, std::string> attributes;
    archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        attributes.emplace(name, std::string(static_cast<const char*>(value), size));
    }
    return xattr_digest(attributes);
}

class Reader {
  public:
    Reader(const std::filesystem::path& file, const Tick& tick)
        : file_(file), archive_(archive_read_new()), meter_(tick), buffer_(kReadBlock, '\0') {}

    base::Result<std::vector<FileRecord>> run() {
        archive* const a = archive_.get();
        archive_read_support_filter_all(a);
        archive_read_support_format_tar(a);
        if (archive_read_open_filename(a, file_.c_str(), kReadBlock) != ARCHIVE_OK) {
            return broken();
        }
        archive_entry* entry = nullptr;
        int status = ARCHIVE_OK;
        while ((status = archive_read_next_header(a, &entry)) == ARCHIVE_OK ||
               status == ARCHIVE_WARN) {
            if (auto added = add(entry); !added) {
                return tl::unexpected(added.error());
            }
        }
        if (status != ARCHIVE_EOF) {
            return broken();
        }
        std::vector<FileRecord> out;
        out.reserve(found_.size());
        for (auto& [path, record] : found_) {
            out.push_back(std::move(record));
        }
        return out;
    }

  private:
    [[nodiscard]] tl::unexpected<base::Error> bad(std::string_view what) const {
        return base::fail("image.build",
                          fmt::format("{} {}", proof::escape_name(file_.string()), what));
    }
    [[nodiscard]] tl::unexpected<base::Error> broken() const {
        const char* const why = archive_error_string(archive_.get());
        return bad(fmt::format("is no tar archive that can be read: {}",
                               why == nullptr ? "unknown" : proof::escape_name(why)));
    }

    base::Status add(archive_entry* entry) {
        const char* const name = archive_entry_pathname(entry);
        const auto path = name == nullptr ? std::nullopt : place_of(name);
        if (!path || path->size() > kMaxPath || found_.size() == kMaxEntries) {
            return bad(!path ? "has an entry that leaves it" : "has too many or too long names");
        }
        if (const char* const first = archive_entry_hardlink(entry); first != nullptr) {
            return add_hard_link(*path, first);
        }
        FileRecord record;
        record.path = *path;
        record.type = type_of(entry);
        record.mode = archive_entry_perm(entry) & 07777U;
        record.uid = static_cast<std::uint32_t>(archive_entry_uid(entry));
        record.gid = static_cast<std::uint32_t>(archive_entry_gid(entry));
        record.xattrs = xattrs_of(entry);
        if (record.type == 'l') {
            const char* const target = archive_entry_symlink(entry);
            record.link = target == nullptr ? "" : target;
            record.size = record.link.size();
            record.sha256 = base::sha256_hex(record.link);
        } else if (record.type == 'f') {
            if (auto hashed = hash(record); !hashed) {
                return hashed;
            }
        }
        found_.insert_or_assign(*path, std::move(record));
        return {};
    }

    // The content is that of an entry before it.
    base::Status add_hard_link(const std::string& path, const char* first) {
        const auto target = place_of(first);
        const auto at = target ? found_.find(*target) : found_.end();
        if (at == found_.end() || at->second.type == 'd') {
            return bad("has a hard link to nothing: " + proof::escape_name(path));
        }
        FileRecord record = at->second;
        record.path = path;
        found_.insert_or_assign(path, std::move(record));
        return {};
    }

    base::Status hash(FileRecord& record) {
        base::Sha256 sha;
        for (;;) {
            const auto got = archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
            if (got < 0) {
                return broken();
            }
            if (got == 0) {
                record.sha256 = sha.hex();
                return {};
            }
            const auto length = static_cast<std::size_t>(got);
            sha.update({buffer_.data(), length});
            record.size += length;
            if (auto ticked = meter_.add(length); !ticked) {
                return ticked;
            }
        }
    }

    std::filesystem::path file_;
    std::unique_ptr<archive, Free> archive_;
    Meter meter_;
    std::string buffer_;
    std::map<std::string, FileRecord> found_;
};

}  // namespace

base::Result<std::vector<FileRecord>> read_tar(const std::filesystem::path& file,
                                               const Tick& tick) {
    return Reader(file, tick).run();
}

}  // namespace lineside::image_build
