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
    // The image's block map; where none is named, the one that is packed with it.
    std::optional<std::filesystem::path> bmap;
    bool ignore_packed_bmap = false;
    bool used_blocks = false;  // without a block map: leave out what ext4 has free
    // Folder for unpacked images and tables; made if missing. Empty: plain images only, and none
    // is known from an earlier time.
    std::filesystem::path cache;
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

    [[nodiscard]] const ImageMap& map() const { return table_.map; }
    [[nodiscard]] const std::string& sha256() const { return table_.sha256; }
    [[nodiscard]] PieceHash hash() const { return table_.hash; }
    // Data and what each piece of it hashes to, in order.
    [[nodiscard]] const std::vector<Extent>& pieces() const { return pieces_; }
    [[nodiscard]] const HashValue& hash_of(std::size_t piece) const { return table_.hashes[piece]; }
    // What a medium must give back.
    [[nodiscard]] std::string digest() const { return digest_of(map(), hash(), table_.hashes); }
    // The cache had its table: nothing was hashed.
    [[nodiscard]] bool was_known() const { return known_; }
    // Page-aligned; for O_DIRECT writes alone: the program itself reads by read(), which fails
    // where touching a page of a file that was cut would kill it.
    [[nodiscard]] std::byte* pages(std::uint64_t offset) const { return pages_ + offset; }
    [[nodiscard]] base::Status read(std::uint64_t offset, std::span<std::byte> bytes) const;

  private:
    struct Source {
        std::filesystem::path file;
        std::optional<ImageMap> map;   // nothing: holes and block map say it
        std::filesystem::path tables;  // folder of tables of earlier times; empty: none
        bool ours = false;             // nobody else writes into this file
        std::optional<std::filesystem::path> bmap;
    };
    PreparedImage(base::UniqueFd fd, ImageTable table);
    [[nodiscard]] static base::Result<std::shared_ptr<PreparedImage>> of_file(
        const Source& source, const ImagePlan& plan, const std::atomic<bool>& stop);
    [[nodiscard]] base::Status map_pages();
    [[nodiscard]] base::Status hash_all(const Bmap* bmap, const std::atomic<bool>& stop);
    [[nodiscard]] base::Status hash_whole(const std::atomic<bool>& stop);
    [[nodiscard]] base::Status hash_pieces(const Bmap* bmap, const std::atomic<bool>& stop);

    base::UniqueFd fd_;
    ImageTable table_;
    std::vector<Extent> pieces_;
    std::byte* pages_ = nullptr;
    bool known_ = false;
};

}  // namespace lineside::media
