// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/unpack.h"

#include "station/base/files.h"
#include "station/base/json.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/media/engine/table_shelf.h"
#include "workers/media/formats/sparse.h"
#include "workers/media/source/image_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::media {
namespace {

constexpr std::size_t kMapBytes = 64 * 1024 * 1024;

// What file this is: another content has another time or size.
base::Result<std::string> key_of(const std::filesystem::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        return base::fail_errno(errno == ENOENT ? "config.missing" : "media.source",
                                "cannot look at " + file.string(), errno);
    }
    return base::sha256_hex(fmt::format("1 {} {}", identity_of(status), file.extension().string()));
}

bool is_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Writes what comes into a new file, leaving holes for zeros.
class HoleyFile {
  public:
    HoleyFile(std::filesystem::path path, base::UniqueFd fd)
        : path_(std::move(path)), fd_(std::move(fd)) {}

    base::Status data(std::uint64_t offset, std::string_view bytes) {
        while (!bytes.empty()) {
            const auto length = static_cast<std::size_t>(
                std::min<std::uint64_t>(bytes.size(), kAlignment - offset % kAlignment));
            // Zeros are a hole: the rest of the file reads as that anyhow.
            std::size_t run = length;
            const bool zeros = is_zero(bytes.substr(0, length));
            while (run < bytes.size() &&
                   is_zero(bytes.substr(
                       run, std::min<std::size_t>(kAlignment, bytes.size() - run))) == zeros) {
                run += std::min<std::size_t>(kAlignment, bytes.size() - run);
            }
            if (!zeros) {
                if (auto written = write(offset, bytes.substr(0, run)); !written) {
                    return written;
                }
                note({offset, offset + run, Fill::data});
            } else {
                note({offset, offset + run, Fill::zero});
            }
            bytes.remove_prefix(run);
            offset += run;
        }
        return {};
    }

    void note(Extent extent) {
        if (!extents_.empty() && extents_.back().fill == extent.fill &&
            extents_.back().end == extent.begin) {
            extents_.back().end = extent.end;
        } else {
            extents_.push_back(extent);
        }
    }

    base::Result<ImageMap> finish(std::uint64_t size) {
        if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0 || ::fsync(fd_.get()) != 0) {
            return base::fail_writing("media.source", "cannot write " + path_.string(), errno);
        }
        return ImageMap(size, extents_, Fill::zero);
    }

  private:
    base::Status write(std::uint64_t offset, std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t got =
                ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (got < 0 && errno != EINTR) {
                return base::fail_writing("media.source", "cannot write " + path_.string(), errno);
            }
            const auto done = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
            bytes.remove_prefix(done);
            offset += done;
        }
        return {};
    }

    std::filesystem::path path_;
    base::UniqueFd fd_;
    std::vector<Extent> extents_;
};

base::Result<std::uint64_t> fill(HoleyFile& out, ImageBytes& in, const std::atomic<bool>& stop) {
    std::string head;  // first bytes, looked at and given out again
    auto next = [&](std::size_t most) -> base::Result<std::string_view> {
        if (stop) {
            return base::fail("operator.stopped");
        }
        return in.next(most);
    };
    while (head.size() < kSparseMagic.size()) {
        auto piece = next(kPieceBytes);
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (piece->empty()) {
            break;
        }
        head += *piece;
    }
    bool given = false;
    const NextBytes bytes = [&](std::size_t most) -> base::Result<std::string_view> {
        return std::exchange(given, true) ? next(most) : base::Result<std::string_view>(head);
    };
    if (head.starts_with(kSparseMagic)) {
        return unpack_sparse(
            bytes, {[&](std::uint64_t offset, std::string_view b) { return out.data(offset, b); },
                    [&](std::uint64_t begin, std::uint64_t end) {
                        out.note({begin, end, Fill::zero});
                        return base::Status();
                    },
                    [&](std::uint64_t begin, std::uint64_t end) {
                        out.note({begin, end, Fill::unused});
                        return base::Status();
                    }});
    }
    std::uint64_t size = 0;
    for (;;) {
        auto piece = bytes(kPieceBytes);
        if (!piece) {
            return tl::unexpected<base::Error>(piece.error());
        }
        if (piece->empty()) {
            return size;
        }
        if (auto written = out.data(size, *piece); !written) {
            return tl::unexpected<base::Error>(written.error());
        }
        size += piece->size();
    }
}

}  // namespace

base::Result<bool> needs_unpacking(const std::filesystem::path& file) {
    if (packing_of(file) != Packing::none) {
        return true;
    }
    auto bytes = ImageBytes::open(file);
    if (!bytes) {
        return tl::unexpected<base::Error>(bytes.error());
    }
    auto head = bytes->next(kSparseMagic.size());
    if (!head) {
        return tl::unexpected<base::Error>(head.error());
    }
    return *head == kSparseMagic;
}

base::Result<UnpackedImage> unpack_image(const std::filesystem::path& file,
                                         const std::filesystem::path& cache,
                                         const std::atomic<bool>& stop) {
    auto key = key_of(file);
    if (!key) {
        return tl::unexpected<base::Error>(key.error());
    }
    std::error_code made;
    std::filesystem::create_directories(cache, made);
    const std::filesystem::path image = cache / (*key + ".img");
    const std::filesystem::path map_file = cache / (*key + ".map");
    const std::filesystem::path bmap_file = cache / (*key + ".bmap");
    const auto made_of = [&](ImageMap map) {
        std::error_code none;
        return UnpackedImage{
            image, std::move(map),
            std::filesystem::exists(bmap_file, none) ? std::optional(bmap_file) : std::nullopt};
    };
    if (auto text = base::read_file(map_file, kMapBytes)) {
        const auto json = base::parse_json(*text, kMapBytes);
        auto map = json ? map_from(*json) : std::nullopt;
        std::error_code none;
        if (map && std::filesystem::file_size(image, none) == map->size() && !none) {
            return made_of(std::move(*map));
        }
    }
    auto in = ImageBytes::open(file);
    if (!in) {
        return tl::unexpected<base::Error>(in.error());
    }
    const std::filesystem::path part =
        cache / fmt::format("{}.{}.part", *key, static_cast<long>(::getpid()));
    base::UniqueFd fd(::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) {
        return base::fail_writing("media.source", "cannot make " + part.string(), errno);
    }
    HoleyFile out(part, std::move(fd));
    auto finish = [&]() -> base::Result<ImageMap> {
        auto size = fill(out, *in, stop);
        if (!size) {
            return tl::unexpected<base::Error>(size.error());
        }
        if (*size == 0) {
            return base::fail("media.source", file.string() + ": an image of no bytes");
        }
        if (in->bmap()) {
            if (auto kept = base::replace_file(bmap_file, *in->bmap()); !kept) {
                return tl::unexpected<base::Error>(kept.error());
            }
        }
        auto map = out.finish(*size);
        if (map && ::rename(part.c_str(), image.c_str()) != 0) {
            return base::fail_writing("media.source", "cannot name " + image.string(), errno);
        }
        return map;
    };
    auto map = finish();
    if (map) {
        if (auto kept = base::replace_file(map_file, base::dump_json(to_json(*map))); !kept) {
            return tl::unexpected<base::Error>(kept.error());
        }
        return made_of(std::move(*map));
    }
    ::unlink(part.c_str());
    return tl::unexpected<base::Error>(map.error());
}

}  // namespace lineside::media
