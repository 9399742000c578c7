// SPDX-License-Identifier: Apache-2.0
#include "workers/media/source/image_bytes.h"

#include "station/base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace lineside::media {
namespace {

struct Suffix {
    std::string_view text;
    Packing packing;
};
constexpr std::array<Suffix, 6> kSuffixes{{{".gz", Packing::gz},
                                           {".xz", Packing::xz},
                                           {".zst", Packing::zst},
                                           {".bz2", Packing::bz2},
                                           {".zip", Packing::zip},
                                           {".zstd", Packing::zst}}};

constexpr std::size_t kReadBlock = 1024 * 1024;
constexpr std::size_t kMostMap = 64 * 1024 * 1024;  // bytes; as kMaxBmapBytes

}  // namespace

Packing packing_of(const std::filesystem::path& file) {
    const std::string suffix = base::to_lower_ascii(file.extension().string());
    for (const Suffix& each : kSuffixes) {
        if (suffix == each.text) {
            return each.packing;
        }
    }
    return Packing::none;
}

void ImageBytes::Free::operator()(archive* a) const {
    archive_read_free(a);
}

base::Result<ImageBytes> ImageBytes::open(const std::filesystem::path& file) {
    ImageBytes bytes;
    bytes.file_ = file;
    bytes.packing_ = packing_of(file);
    bytes.fd_ = base::UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!bytes.fd_ || ::fstat(bytes.fd_.get(), &status) != 0) {
        return base::fail_errno(errno == ENOENT ? "config.missing" : "media.source",
                                "cannot open " + file.string(), errno);
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return base::fail("media.source", file.string() + " is neither a file nor a block device");
    }
    bytes.file_size_ = static_cast<std::uint64_t>(status.st_size);
    if (bytes.packing_ != Packing::none) {
        if (auto opened = bytes.open_archive(); !opened) {
            return tl::unexpected<base::Error>(opened.error());
        }
    }
    return bytes;
}

base::Status ImageBytes::open_archive() {
    archive_.reset(archive_read_new());
    archive* const a = archive_.get();
    switch (packing_) {
        case Packing::gz:
            archive_read_support_filter_gzip(a);
            break;
        case Packing::xz:
            archive_read_support_filter_xz(a);
            break;
        case Packing::zst:
            archive_read_support_filter_zstd(a);
            break;
        case Packing::bz2:
            archive_read_support_filter_bzip2(a);
            break;
        case Packing::zip:
        case Packing::none:
            break;
    }
    if (packing_ == Packing::zip) {
        archive_read_support_format_zip_seekable(a);
    } else {
        archive_read_support_format_raw(a);
    }
    if (archive_read_open_fd(a, fd_.get(), kReadBlock) != ARCHIVE_OK) {
        return damaged();
    }
    const auto found = next_file();
    if (!found) {
        return tl::unexpected<base::Error>(found.error());
    }
    if (!*found) {
        return base::fail("media.source", file_.string() + ": no image in it");
    }
    // The raw format takes any bytes: a .gz that is none must not be written as it is.
    if (packing_ != Packing::zip && archive_filter_count(a) < 2) {
        return base::fail("media.source",
                          fmt::format("{}: the name says it is packed, the bytes do not; rename it "
                                      "or pack it",
                                      file_.string()));
    }
    return {};
}

base::Result<bool> ImageBytes::next_file() {
    for (;;) {
        archive_entry* entry = nullptr;
        const int status = archive_read_next_header(archive_.get(), &entry);
        if (status == ARCHIVE_EOF) {
            return false;
        }
        if (status != ARCHIVE_OK) {
            return damaged();
        }
        const char* const name = archive_entry_pathname(entry);
        if (archive_entry_filetype(entry) == AE_IFDIR) {
            continue;
        }
        if (packing_ != Packing::zip || name == nullptr ||
            !base::to_lower_ascii(name).ends_with(".bmap")) {
            return true;
        }
        if (auto taken = take_bmap(); !taken) {
            return tl::unexpected<base::Error>(taken.error());
        }
    }
}

base::Status ImageBytes::take_bmap() {
    if (bmap_) {
        return base::fail("media.source", file_.string() + ": more than one block map in it");
    }
    std::string text;
    std::vector<char> piece(kReadBlock);
    for (;;) {
        const auto got = archive_read_data(archive_.get(), piece.data(), piece.size());
        if (got < 0) {
            return damaged();
        }
        if (got == 0) {
            bmap_ = std::move(text);
            return {};
        }
        if (text.size() + static_cast<std::size_t>(got) > kMostMap) {
            return base::fail("media.source", file_.string() + ": its block map is too long");
        }
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
}

tl::unexpected<base::Error> ImageBytes::damaged() const {
    const char* const why = archive_error_string(archive_.get());
    return base::fail("media.source", fmt::format("{}: {}; fetch it again", file_.string(),
                                                  why == nullptr ? "cannot be unpacked" : why));
}

base::Result<std::string_view> ImageBytes::next(std::size_t most) {
    buffer_.resize(std::max(buffer_.size(), most));
    if (ended_) {
        return std::string_view();
    }
    if (packing_ == Packing::none) {
        ssize_t got = 0;
        do {
            got = ::read(fd_.get(), buffer_.data(), most);
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            return base::fail_errno("media.source", "cannot read " + file_.string(), errno);
        }
        read_ += static_cast<std::uint64_t>(got);
        ended_ = got == 0;
        return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
    }
    const auto got = archive_read_data(archive_.get(), buffer_.data(), most);
    if (got < 0) {
        return damaged();
    }
    if (got > 0) {
        return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
    }
    ended_ = true;
    const auto another = next_file();
    if (!another) {
        return tl::unexpected<base::Error>(another.error());
    }
    if (*another) {
        return base::fail("media.source", file_.string() +
                                              ": more than one file in it; pack the "
                                              "image alone, or with its block map");
    }
    return std::string_view();
}

std::uint64_t ImageBytes::read_of_file() const {
    return archive_ ? static_cast<std::uint64_t>(
                          std::max<la_int64_t>(archive_filter_bytes(archive_.get(), -1), 0))
                    : read_;
}

}  // namespace lineside::media
