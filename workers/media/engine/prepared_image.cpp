// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/prepared_image.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/engine/unpack.h"
#include "workers/media/formats/digest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace lineside::media {
namespace {

using Prepared = base::Result<std::shared_ptr<const PreparedImage>>;

// In a folder of the cache.
constexpr std::string_view kImageFile = "disk.img";
constexpr std::string_view kTableFile = "image.json";  // last: what the station looks for

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of what kind the image file is; a device as the source would need its own size call.
base::Result<std::uint64_t> size_of(int fd, const std::filesystem::path& file) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return base::fail_errno("media.source", "cannot look at " + file.string(), errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return base::fail("media.source", file.string() + " is no file");
    }
    if (status.st_size == 0) {
        return base::fail("media.source", file.string() + ": an image of no bytes");
    }
    return static_cast<std::uint64_t>(status.st_size);
}

base::Result<Bmap> bmap_of(const std::filesystem::path& file, std::uint64_t image_size) {
    auto text = base::read_file(file, kMaxBmapBytes);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    Report report;
    Bmap map = read_bmap(*text, report);
    if (report.accepted() && map.image_size != image_size) {
        report.error({1, 1, "ImageSize",
                      fmt::format("the map is of an image of {} bytes, this one has {}",
                                  map.image_size, image_size)});
    }
    if (!report.accepted()) {
        const Finding& first = report.errors().front();
        return base::fail("config.invalid", fmt::format("{}:{}: {}: {}", file.string(), first.line,
                                                        first.field, first.message));
    }
    return map;
}

}  // namespace

PreparedImage::PreparedImage(base::UniqueFd fd, ImageMap map, PieceHash hash)
    : fd_(std::move(fd)), map_(std::move(map)), hash_(hash), pieces_(map_.pieces(Fill::data)) {}

PreparedImage::~PreparedImage() {
    if (pages_ != nullptr) {
        ::munmap(pages_, map_.size());
    }
}

Prepared PreparedImage::prepare(const ImagePlan& plan, const std::atomic<bool>& stop) {
    auto failed = [](const base::Error& error) { return tl::unexpected<base::Error>(error); };
    const auto packed = needs_unpacking(plan.file);
    if (!packed) {
        return failed(packed.error());
    }
    std::filesystem::path file = plan.file;
    std::optional<ImageMap> map;
    if (*packed) {
        if (plan.cache.empty()) {
            return base::fail("media.source", file.string() + " is packed and there is no cache");
        }
        auto unpacked = unpack_image(plan.file, plan.cache, stop);
        if (!unpacked) {
            return failed(unpacked.error());
        }
        file = unpacked->file;
        map = std::move(unpacked->map);
    }
    return of_file(file, std::move(map), plan, stop);
}

base::Result<std::shared_ptr<PreparedImage>> PreparedImage::of_file(
    const std::filesystem::path& file, std::optional<ImageMap> map, const ImagePlan& plan,
    const std::atomic<bool>& stop) {
    auto failed = [](const base::Error& error) { return tl::unexpected<base::Error>(error); };
    base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno("media.source", "cannot open " + file.string(), errno);
    }
    const auto size = size_of(fd.get(), file);
    if (!size) {
        return failed(size.error());
    }
    std::optional<Bmap> bmap;
    if (plan.bmap) {
        auto read = bmap_of(*plan.bmap, *size);
        if (!read) {
            return failed(read.error());
        }
        bmap = std::move(*read);
        map = map_of_bmap(*bmap);
    } else if (!map) {
        auto holes = map_of_holes(fd.get(), *size);
        if (!holes) {
            return failed(holes.error());
        }
        map = std::move(*holes);
    }
    std::shared_ptr<PreparedImage> image(
        new PreparedImage(std::move(fd), std::move(*map), plan.hash));
    if (auto hashed = image->hash_all(stop); !hashed) {
        return failed(hashed.error());
    }
    if (!plan.sha256.empty() && plan.sha256 != image->sha256_) {
        return base::fail("media.source",
                          fmt::format("{}: its SHA-256 is {}, not {}; fetch it "
                                      "again",
                                      plan.file.string(), image->sha256_, plan.sha256));
    }
    if (bmap) {
        Report report;
        std::uint64_t at = 0;
        std::vector<std::byte> buffer(kPieceBytes);
        const auto compared = compare_image(
            *bmap,
            [&](std::size_t) -> base::Result<std::string_view> {
                const auto length = std::min<std::uint64_t>(buffer.size(), *size - at);
                const std::span<std::byte> piece(buffer.data(), length);
                if (auto read = image->read(at, piece); !read) {
                    return tl::unexpected<base::Error>(read.error());
                }
                at += length;
                return as_text(piece);
            },
            report);
        if (!compared) {
            return failed(compared.error());
        }
        if (!report.accepted()) {
            return base::fail("media.source", report.errors().front().message);
        }
    }
    if (auto mapped = image->map_pages(); !mapped) {
        return failed(mapped.error());
    }
    return image;
}

Prepared PreparedImage::ingest(const ImagePlan& plan, const std::filesystem::path& folder,
                               const std::atomic<bool>& stop) {
    // Plain files, too: the copy has holes where zeros are, and is not changed behind our back.
    auto unpacked = unpack_image(plan.file, folder, stop);
    if (!unpacked) {
        return tl::unexpected<base::Error>(unpacked.error());
    }
    std::error_code failed;
    std::filesystem::remove(std::filesystem::path(unpacked->file).replace_extension(".map"),
                            failed);
    std::filesystem::rename(unpacked->file, folder / kImageFile, failed);
    if (failed) {
        return base::fail(
            "media.source",
            fmt::format("cannot name {}: {}", (folder / kImageFile).string(), failed.message()));
    }
    auto image = of_file(folder / kImageFile, std::move(unpacked->map), plan, stop);
    if (!image) {
        return tl::unexpected<base::Error>(image.error());
    }
    const ImageTable table{(*image)->map_, (*image)->hash_, (*image)->hashes_, (*image)->sha256_};
    if (auto kept = base::replace_file(folder / kTableFile, base::dump_json(to_json(table)));
        !kept) {
        return tl::unexpected<base::Error>(kept.error());
    }
    return std::move(*image);
}

Prepared PreparedImage::load(const std::filesystem::path& folder) {
    const auto broken = [&](std::string_view why) {
        return base::fail("image.broken", fmt::format("{}: {}", folder.string(), why));
    };
    auto text = base::read_file(folder / kTableFile, kMaxTableBytes);
    if (!text) {
        return broken(text.error().message);
    }
    auto table = table_of(*text);
    if (!table) {
        return broken(table.error().message);
    }
    base::UniqueFd fd(::open((folder / kImageFile).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        static_cast<std::uint64_t>(status.st_size) != table->map.size()) {
        return broken("the image file is not there, or has another size");
    }
    std::shared_ptr<PreparedImage> image(
        new PreparedImage(std::move(fd), std::move(table->map), table->hash));
    image->hashes_ = std::move(table->hashes);
    image->sha256_ = std::move(table->sha256);
    if (auto mapped = image->map_pages(); !mapped) {
        return tl::unexpected<base::Error>(mapped.error());
    }
    return image;
}

base::Status PreparedImage::check(const std::atomic<bool>& stop) const {
    std::vector<std::byte> buffer(kPieceBytes);
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
        if (stop) {
            return base::fail("operator.stopped");
        }
        const std::span<std::byte> piece(buffer.data(), pieces_[i].end - pieces_[i].begin);
        if (auto got = read(pieces_[i].begin, piece); !got) {
            return base::fail("image.broken", got.error().message);
        }
        if (hash_piece(hash_, piece) != hashes_[i]) {
            return base::fail(
                "image.broken",
                fmt::format("The cached image is not what was hashed, in the {} bytes "
                            "from {} on",
                            piece.size(), pieces_[i].begin));
        }
    }
    return {};
}

base::Status PreparedImage::map_pages() {
    void* const pages = ::mmap(nullptr, map_.size(), PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (pages == MAP_FAILED) {
        return base::fail_errno("media.source", "cannot map the image", errno);
    }
    pages_ = static_cast<std::byte*>(pages);
    return {};
}

base::Status PreparedImage::read(std::uint64_t offset, std::span<std::byte> bytes) const {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::pread(fd_.get(), bytes.data() + done, bytes.size() - done,
                                    static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return base::fail_errno("media.source", "cannot read the image", got < 0 ? errno : EIO);
        }
        done += static_cast<std::size_t>(got);
    }
    return {};
}

// One pass: the hash of each piece, and of the whole as the source has it (unused bytes too).
base::Status PreparedImage::hash_all(const std::atomic<bool>& stop) {
    auto whole = Digest::of("sha256");
    std::vector<std::byte> buffer(kPieceBytes);
    const std::string zeros(kPieceBytes, '\0');
    for (const Extent& extent : map_.extents()) {
        for (std::uint64_t at = extent.begin; at < extent.end;) {
            if (stop) {
                return base::fail("operator.stopped");
            }
            const std::uint64_t end = std::min((at / kPieceBytes + 1) * kPieceBytes, extent.end);
            const std::span<std::byte> piece(buffer.data(), end - at);
            if (extent.fill == Fill::zero) {
                whole->update(std::string_view(zeros).substr(0, piece.size()));
            } else {
                if (auto got = read(at, piece); !got) {
                    return got;
                }
                whole->update(as_text(piece));
            }
            if (extent.fill == Fill::data) {
                hashes_.push_back(hash_piece(hash_, piece));
            }
            at = end;
        }
    }
    sha256_ = whole->end();
    return {};
}

}  // namespace lineside::media
