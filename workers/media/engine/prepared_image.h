// SPDX-License-Identifier: Apache-2.0
// An image ready to be written: its bytes in one file (the source itself where that is plain, else
// unpacked once into the cache), its map, its SHA-256 and a hash of each piece to prove copies by.
// All targets and all workers share the file's pages; nothing is unpacked or hashed twice.
// Errors: media.source, config.missing, config.invalid (the block map), disk.full.
// Thread: made by one; afterwards constant and shared by all writers.
#pragma once

#include "station/base/unique_fd.h"
#include "workers/media/engine/image_table.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace lineside::media {

struct ImagePlan {
    std::filesystem::path file;
    std::optional<std::filesystem::path> bmap;
    std::filesystem::path cache;  // folder; made if missing. Empty: plain images only
    PieceHash hash = PieceHash::xxh3;
    std::string sha256;  // what the whole image must be, lower-case hex; empty: not known
};

class PreparedImage {
  public:
    // `stop` ends it early with operator.stopped.
    [[nodiscard]] static base::Result<std::shared_ptr<const PreparedImage>> prepare(
        const ImagePlan& plan, const std::atomic<bool>& stop);
    // Takes a copy of the image into `folder`, unpacked, with its table: what load() reads.
    // Afterwards nobody needs the source any more. `plan.cache` is not used. Errors: also
    // disk.full.
    [[nodiscard]] static base::Result<std::shared_ptr<const PreparedImage>> ingest(
        const ImagePlan& plan, const std::filesystem::path& folder, const std::atomic<bool>& stop);
    // What ingest() left; nothing is hashed. Errors: image.broken.
    [[nodiscard]] static base::Result<std::shared_ptr<const PreparedImage>> load(
        const std::filesystem::path& folder);
    // Does the file still hold what was hashed? Errors: image.broken, operator.stopped.
    [[nodiscard]] base::Status check(const std::atomic<bool>& stop) const;
    ~PreparedImage();
    PreparedImage(const PreparedImage&) = delete;
    PreparedImage& operator=(const PreparedImage&) = delete;

    [[nodiscard]] const ImageMap& map() const { return map_; }
    [[nodiscard]] const std::string& sha256() const { return sha256_; }
    [[nodiscard]] PieceHash hash() const { return hash_; }
    // Data and what each piece of it hashes to, in order.
    [[nodiscard]] const std::vector<Extent>& pieces() const { return pieces_; }
    [[nodiscard]] const HashValue& hash_of(std::size_t piece) const { return hashes_[piece]; }
    // What a medium must give back.
    [[nodiscard]] std::string digest() const { return digest_of(map_, hash_, hashes_); }
    // Page-aligned; for O_DIRECT writes alone: the program itself reads by read(), which fails
    // where touching a page of a file that was cut would kill it.
    [[nodiscard]] std::byte* pages(std::uint64_t offset) const { return pages_ + offset; }
    [[nodiscard]] base::Status read(std::uint64_t offset, std::span<std::byte> bytes) const;

  private:
    PreparedImage(base::UniqueFd fd, ImageMap map, PieceHash hash);
    [[nodiscard]] static base::Result<std::shared_ptr<PreparedImage>> of_file(
        const std::filesystem::path& file, std::optional<ImageMap> map, const ImagePlan& plan,
        const std::atomic<bool>& stop);
    [[nodiscard]] base::Status map_pages();
    [[nodiscard]] base::Status hash_all(const std::atomic<bool>& stop);

    base::UniqueFd fd_;
    ImageMap map_;
    PieceHash hash_;
    std::vector<Extent> pieces_;
    std::vector<HashValue> hashes_;
    std::string sha256_;
    std::byte* pages_ = nullptr;
};

}  // namespace lineside::media
