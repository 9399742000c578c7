// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/prepared_image.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/engine/table_shelf.h"
#include "workers/media/engine/unpack.h"
#include "workers/media/engine/used_blocks.h"
#include "workers/media/formats/digest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <future>

namespace lineside::media {
namespace {

using Prepared = base::Result<std::shared_ptr<const PreparedImage>>;

// In a folder of the cache.
constexpr std::string_view kImageFile = "disk.img";
constexpr std::string_view kTableFile = "image.json";  // last: what the station looks for

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

base::Result<struct stat> status_of(int fd, const std::filesystem::path& file) {
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
    return status;
}

base::Result<Bmap> bmap_of(const std::filesystem::path& file, std::string_view text,
                           std::uint64_t image_size) {
    Report report;
    Bmap map = read_bmap(text, report);
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

PreparedImage::PreparedImage(base::UniqueFd fd, ImageTable table)
    : fd_(std::move(fd)), table_(std::move(table)), pieces_(table_.map.pieces(Fill::data)) {}

PreparedImage::~PreparedImage() {
    if (pages_ != nullptr) {
        ::munmap(pages_, map().size());
    }
}

Prepared PreparedImage::prepare(const ImagePlan& plan, const std::atomic<bool>& stop) {
    auto failed = [](const base::Error& error) { return tl::unexpected<base::Error>(error); };
    const auto packed = needs_unpacking(plan.file);
    if (!packed) {
        return failed(packed.error());
    }
    Source source{plan.file, std::nullopt, plan.cache, false, std::nullopt};
    if (*packed) {
        if (plan.cache.empty()) {
            return base::fail("media.source",
                              plan.file.string() + " is packed and there is no cache");
        }
        auto unpacked = unpack_image(plan.file, plan.cache, stop);
        if (!unpacked) {
            return failed(unpacked.error());
        }
        source = {unpacked->file, std::move(unpacked->map), plan.cache, true,
                  plan.ignore_packed_bmap ? std::nullopt : unpacked->bmap};
    }
    return of_file(source, plan, stop);
}

base::Result<std::shared_ptr<PreparedImage>> PreparedImage::of_file(const Source& source,
                                                                    const ImagePlan& plan,
                                                                    const std::atomic<bool>& stop) {
    auto failed = [](const base::Error& error) { return tl::unexpected<base::Error>(error); };
    base::UniqueFd fd(::open(source.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno("media.source", "cannot open " + source.file.string(), errno);
    }
    const auto status = status_of(fd.get(), source.file);
    if (!status) {
        return failed(status.error());
    }
    const auto size = static_cast<std::uint64_t>(status->st_size);
    const auto& bmap_file = plan.bmap ? plan.bmap : source.bmap;
    const auto text = bmap_file ? base::read_file(*bmap_file, kMaxBmapBytes)
                                : base::Result<std::string>(plan.used_blocks ? "used" : "");
    if (!text) {
        return failed(text.error());
    }
    const TableShelf shelf(source.tables, *status, plan.hash, *text);
    std::shared_ptr<PreparedImage> image;
    if (auto table = shelf.find()) {
        image.reset(new PreparedImage(std::move(fd), std::move(*table)));
        image->known_ = true;
    } else {
        std::optional<Bmap> bmap;
        if (bmap_file) {
            auto read = bmap_of(*bmap_file, *text, size);
            if (!read) {
                return failed(read.error());
            }
            bmap = std::move(*read);
        }
        auto map = bmap         ? base::Result<ImageMap>(map_of_bmap(*bmap))
                   : source.map ? base::Result<ImageMap>(*source.map)
                                : map_of_holes(fd.get(), size);
        if (map && !bmap && plan.used_blocks) {
            map = without_free_blocks(source.file, *map);
        }
        if (!map) {
            return failed(map.error());
        }
        const bool settled = source.ours || has_settled(*status);
        image.reset(new PreparedImage(std::move(fd), {std::move(*map), plan.hash, {}, {}}));
        if (auto hashed = image->hash_all(bmap ? &*bmap : nullptr, stop); !hashed) {
            return failed(hashed.error());
        }
        struct stat after {};
        if (settled && ::fstat(image->fd_.get(), &after) == 0 &&
            identity_of(after) == identity_of(*status)) {
            shelf.keep(image->table_);
        }
    }
    if (!plan.sha256.empty() && plan.sha256 != image->sha256()) {
        return base::fail("media.source",
                          fmt::format("{}: its SHA-256 is {}, not {}; fetch it "
                                      "again",
                                      plan.file.string(), image->sha256(), plan.sha256));
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
    // Its table lies beside it, under one name.
    auto image = of_file({folder / kImageFile, std::move(unpacked->map), {}, true, unpacked->bmap},
                         plan, stop);
    if (unpacked->bmap) {
        std::filesystem::remove(*unpacked->bmap, failed);
    }
    if (!image) {
        return tl::unexpected<base::Error>(image.error());
    }
    if (auto kept =
            base::replace_file(folder / kTableFile, base::dump_json(to_json((*image)->table_)));
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
    std::shared_ptr<PreparedImage> image(new PreparedImage(std::move(fd), std::move(*table)));
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
        if (hash_piece(hash(), piece) != hash_of(i)) {
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
    void* const pages = ::mmap(nullptr, map().size(), PROT_READ, MAP_SHARED, fd_.get(), 0);
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

// Two passes at once: one core each, and both together are as long as the longer.
base::Status PreparedImage::hash_all(const Bmap* bmap, const std::atomic<bool>& stop) {
    auto whole = std::async(std::launch::async, [&] { return hash_whole(stop); });
    const auto pieces = hash_pieces(bmap, stop);
    const auto all = whole.get();
    return all ? pieces : all;
}

// As the source has it: unused bytes too.
base::Status PreparedImage::hash_whole(const std::atomic<bool>& stop) {
    auto whole = Digest::of("sha256");
    std::vector<std::byte> buffer(kPieceBytes);
    const std::string zeros(kPieceBytes, '\0');
    for (const Extent& extent : map().extents()) {
        for (std::uint64_t at = extent.begin; at < extent.end;) {
            if (stop) {
                return base::fail("operator.stopped");
            }
            const auto piece = std::span(buffer).first(
                static_cast<std::size_t>(std::min(extent.end - at, kPieceBytes)));
            if (extent.fill == Fill::zero) {
                whole->update(std::string_view(zeros).substr(0, piece.size()));
            } else {
                if (auto got = read(at, piece); !got) {
                    return got;
                }
                whole->update(as_text(piece));
            }
            at += piece.size();
        }
    }
    table_.sha256 = whole->end();
    return {};
}

// The hash of each piece, and what the block map says of the same bytes.
base::Status PreparedImage::hash_pieces(const Bmap* bmap, const std::atomic<bool>& stop) {
    std::vector<std::byte> buffer(kPieceBytes);
    const std::string unread(kPieceBytes, '\0');  // between the pieces, where no range is
    std::size_t next = 0;
    std::uint64_t at = 0;
    const NextBytes bytes = [&](std::size_t) -> base::Result<std::string_view> {
        if (stop) {
            return base::fail("operator.stopped");
        }
        if (next == pieces_.size() || at < pieces_[next].begin) {
            const std::uint64_t end = next < pieces_.size() ? pieces_[next].begin : map().size();
            const auto length =
                static_cast<std::size_t>(std::min<std::uint64_t>(end - at, unread.size()));
            at += length;
            return std::string_view(unread).substr(0, length);
        }
        const auto piece =
            std::span(buffer).first(static_cast<std::size_t>(pieces_[next].end - at));
        if (auto got = read(at, piece); !got) {
            return tl::unexpected<base::Error>(got.error());
        }
        table_.hashes.push_back(hash_piece(hash(), piece));
        at = pieces_[next++].end;
        return as_text(piece);
    };
    if (bmap != nullptr) {
        Report report;
        const auto compared = compare_image(*bmap, bytes, report);
        return !compared || report.accepted()
                   ? compared
                   : base::fail("media.source", report.errors().front().message);
    }
    for (;;) {
        const auto piece = bytes(kPieceBytes);
        if (!piece || piece->empty()) {
            return piece ? base::Status() : tl::unexpected<base::Error>(piece.error());
        }
    }
}

}  // namespace lineside::media
