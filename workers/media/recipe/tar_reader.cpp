// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/tar_reader.h"

#include "station/base/text.h"
#include "workers/media/formats/report.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>

namespace lineside::media {
namespace {

constexpr std::size_t kReadBlock = 1024 * 1024;
constexpr std::array<std::string_view, 10> kTarNames{".tar",     ".tar.gz",  ".tgz", ".tar.bz2",
                                                     ".tbz2",    ".tar.xz",  ".txz", ".tar.zst",
                                                     ".tar.lz4", ".tar.lzma"};

bool named_tar(const std::filesystem::path& file) {
    const std::string name = base::to_lower_ascii(file.filename().string());
    return std::any_of(kTarNames.begin(), kTarNames.end(),
                       [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace

Utf8Names::Utf8Names()
    : own_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(::uselocale(own_)) {
    if (own_ == nullptr) {
        throw std::runtime_error("the locale C.UTF-8 is missing");
    }
}

Utf8Names::~Utf8Names() {
    ::uselocale(before_);
    ::freelocale(own_);
}

void TarReader::Free::operator()(archive* a) const {
    archive_read_free(a);
}

base::Result<TarReader> TarReader::open(const std::filesystem::path& file, bool packed) {
    TarReader reader;
    reader.file_ = file;
    reader.packed_ = packed;
    reader.fd_.reset(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!reader.fd_ || ::fstat(reader.fd_.get(), &status) != 0) {
        return base::fail_errno(errno == ENOENT ? "config.missing" : "media.source",
                                "cannot open " + file.string(), errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return base::fail("media.source", file.string() + " is no file");
    }
    reader.plain_bytes_ = status.st_size;
    reader.plain_mtime_ = status.st_mtim.tv_sec;
    reader.names_ = std::make_unique<Utf8Names>();
    reader.archive_.reset(archive_read_new());
    archive* const a = reader.archive_.get();
    if (packed) {
        archive_read_support_filter_gzip(a);
        archive_read_support_filter_bzip2(a);
        archive_read_support_filter_xz(a);
        archive_read_support_filter_lzma(a);
        archive_read_support_filter_zstd(a);
        archive_read_support_filter_lz4(a);
        archive_read_support_format_tar(a);
        archive_read_support_format_gnutar(a);
    } else {
        archive_read_support_format_raw(a);
        archive_read_support_format_empty(a);
    }
    if (archive_read_open_fd(a, reader.fd_.get(), kReadBlock) != ARCHIVE_OK) {
        return reader.damaged();
    }
    return reader;
}

base::Result<archive_entry*> TarReader::next() {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(archive_.get(), &entry);
    if (status == ARCHIVE_EOF) {
        return nullptr;
    }
    // A warning means that something of the header was not understood: then it is not whole.
    if (status != ARCHIVE_OK) {
        return damaged();
    }
    if (!packed_) {
        archive_entry_set_pathname(entry, file_.filename().c_str());
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_uid(entry, 0);
        archive_entry_set_gid(entry, 0);
        archive_entry_set_size(entry, plain_bytes_);
        archive_entry_set_mtime(entry, plain_mtime_, 0);
    }
    return entry;
}

base::Status TarReader::each(
    const std::filesystem::path& file, bool packed,
    const std::function<base::Status(TarReader& reader, archive_entry* entry)>& take) {
    auto reader = open(file, packed);
    if (!reader) {
        return tl::unexpected<base::Error>(reader.error());
    }
    for (;;) {
        auto entry = reader->next();
        if (!entry) {
            return tl::unexpected<base::Error>(entry.error());
        }
        if (*entry == nullptr) {
            return {};
        }
        if (auto taken = take(*reader, *entry); !taken) {
            return taken;
        }
    }
}

tl::unexpected<base::Error> TarReader::damaged() const {
    const char* const words = archive_error_string(archive_.get());
    return base::fail("media.source", fmt::format("{} is cut or damaged: {}; fetch it again",
                                                  file_.string(), words == nullptr ? "?" : words));
}

base::Result<bool> is_tar(const std::filesystem::path& file) {
    if (named_tar(file)) {
        return true;
    }
    auto reader = TarReader::open(file, true);
    if (!reader) {
        // What libarchive cannot read at all is no tar; what is not there is an error.
        return reader.error().code == "media.source" && std::filesystem::is_regular_file(file)
                   ? base::Result<bool>(false)
                   : tl::unexpected<base::Error>(reader.error());
    }
    const auto first = reader->next();
    return first && *first != nullptr;
}

std::optional<std::string> path_inside(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::string inside;
    for (const std::string_view step : base::split(path, '/')) {
        if (step == "..") {
            return std::nullopt;
        }
        if (!step.empty() && step != ".") {
            inside += inside.empty() ? "" : "/";
            inside += step;
        }
    }
    return inside;
}

}  // namespace lineside::media
