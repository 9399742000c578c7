// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/prepared_image.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/engine/unpack.h"
#include "workers/media/formats/digest.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace lineside::media {
namespace {

using Prepared = base::Result<std::shared_ptr<const PreparedImage>>;

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

HashValue hash_piece(PieceHash kind, std::span<const std::byte> bytes) {
    HashValue value{};
    if (kind == PieceHash::sha256) {
        SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), value.data());
    } else {
        const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
        std::memcpy(value.data(), &hash, sizeof hash);
    }
    return value;
}

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
