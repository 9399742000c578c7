// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/unpack.h"

#include "workers/proof/escape.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{256} * 1024;
constexpr std::size_t kMostEntries = 2'000'000;
// What stands in the archive must not lead out of the folder, through a link neither.
constexpr int kFlags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_UNLINK |
                       ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS;

struct Reading {
    void operator()(archive* a) const { archive_read_free(a); }
};
struct Writing {
    void operator()(archive* a) const { archive_write_free(a); }
};

class Unpacker {
  public:
    Unpacker(const fs::path& file, fs::path folder, const Tick& tick)
        : file_(file), folder_(std::move(folder)), tick_(tick) {}

    base::Status run() {
        std::error_code error;
        total_ = fs::file_size(file_, error);
        archive_read_support_filter_all(in_.get());
        archive_read_support_format_tar(in_.get());
        archive_write_disk_set_options(out_.get(), kFlags);
        if (archive_read_open_filename(in_.get(), file_.c_str(), kBlock) != ARCHIVE_OK) {
            return refuse("it is no tar archive that can be read");
        }
        for (std::size_t entries = 0;; ++entries) {
            archive_entry* entry = nullptr;
            const int got = archive_read_next_header(in_.get(), &entry);
            if (got == ARCHIVE_EOF) {
                break;
            }
            if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
                return refuse("it is no tar archive, or it is cut off or damaged");
            }
            if (entries == kMostEntries) {
                return refuse("it has too many files");
            }
            if (auto done = take(entry); !done) {
                return done;
            }
        }
        return archive_write_close(out_.get()) == ARCHIVE_OK ? base::Status() : cannot_write();
    }

  private:
    base::Status refuse(std::string_view why) const {
        return base::fail("image.build",
                          fmt::format("{}: {}", proof::escape_name(file_.native()), why));
    }
    base::Status cannot_write() const {
        return base::fail(
            archive_errno(out_.get()) == ENOSPC ? "disk.full" : "image.build",
            fmt::format("{} cannot be unpacked: {}", proof::escape_name(file_.native()),
                        archive_error_string(out_.get())));
    }

    // Its place in the folder; nothing where it leads out of it.
    std::optional<std::string> place_of(const char* raw) const {
        if (raw == nullptr || *raw == '\0') {
            return std::nullopt;
        }
        const auto path = fs::path(raw).lexically_normal();
        const auto name = path.generic_string();
        if (path.is_absolute() || name == ".." || name.starts_with("../")) {
            return std::nullopt;
        }
        return (folder_ / path).native();
    }

    base::Status take(archive_entry* entry) {
        const auto place = place_of(archive_entry_pathname(entry));
        const char* linked = archive_entry_hardlink(entry);
        const auto target = linked == nullptr ? std::optional<std::string>() : place_of(linked);
        if (!place || (linked != nullptr && !target)) {
            return refuse("a file in it has a name that leads out of it");
        }
        const auto type = archive_entry_filetype(entry);
        if (linked == nullptr && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) {
            return refuse("it holds a device, which no package does");
        }
        archive_entry_set_pathname(entry, place->c_str());
        if (target) {
            archive_entry_set_hardlink(entry, target->c_str());
        }
        if (archive_write_header(out_.get(), entry) < ARCHIVE_WARN) {
            return cannot_write();
        }
        for (;;) {
            const void* bytes = nullptr;
            std::size_t size = 0;
            la_int64_t at = 0;
            const int got = archive_read_data_block(in_.get(), &bytes, &size, &at);
            if (got == ARCHIVE_EOF) {
                break;
            }
            if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
                return refuse("it is cut off or damaged");
            }
            if (archive_write_data_block(out_.get(), bytes, size, at) < ARCHIVE_WARN) {
                return cannot_write();
            }
            const auto done = static_cast<std::uint64_t>(archive_filter_bytes(in_.get(), -1));
            if (auto went_on = tick_(std::min(done, total_), total_); !went_on) {
                return went_on;
            }
        }
        return archive_write_finish_entry(out_.get()) < ARCHIVE_WARN ? cannot_write()
                                                                     : base::Status();
    }

    const fs::path& file_;
    fs::path folder_;
    const Tick& tick_;
    std::uint64_t total_ = 0;
    std::unique_ptr<archive, Reading> in_{archive_read_new()};
    std::unique_ptr<archive, Writing> out_{archive_write_disk_new()};
};

}  // namespace

bool is_archive(const fs::path& bsp) {
    std::error_code ignored;
    return fs::is_regular_file(bsp, ignored);
}

base::Result<fs::path> unpack(const fs::path& archive, const fs::path& folder, const Tick& tick) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);  // no link on the way: see kFlags
    if (error) {
        return base::fail("image.build", folder.native() + ": " + error.message());
    }
    if (auto done = Unpacker(archive, real, tick).run(); !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    auto item = fs::directory_iterator(real, error);
    if (error || item == fs::directory_iterator()) {
        return base::fail("image.build", archive.native() + " is empty");
    }
    const fs::path first = item->path();
    const bool alone = ++item == fs::directory_iterator();
    return alone && fs::is_directory(fs::symlink_status(first)) ? first : real;
}

}  // namespace lineside::image_build
