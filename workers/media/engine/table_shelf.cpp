// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/table_shelf.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <ctime>

namespace lineside::media {
namespace {

// The coarsest clock of a file system we know (FAT's).
constexpr std::time_t kSettled = 2;  // seconds

}  // namespace

std::string identity_of(const struct stat& status) {
    return fmt::format("{} {} {} {}.{} {}.{}", status.st_dev, status.st_ino, status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                       status.st_ctim.tv_nsec);
}

bool has_settled(const struct stat& status) {
    return std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec) + kSettled < std::time(nullptr);
}

TableShelf::TableShelf(const std::filesystem::path& folder, const struct stat& status,
                       PieceHash hash, std::string_view map)
    : hash_(hash), size_(static_cast<std::uint64_t>(status.st_size)) {
    if (!folder.empty()) {
        file_ = folder / (base::sha256_hex(fmt::format("table 1 {} {} {}", identity_of(status),
                                                       hash == PieceHash::xxh3 ? "xxh3" : "sha256",
                                                       base::sha256_hex(map))) +
                          ".table");
    }
}

std::optional<ImageTable> TableShelf::find() const {
    if (file_.empty()) {
        return std::nullopt;
    }
    const auto text = base::read_file(file_, kMaxTableBytes);
    auto table = text ? table_of(*text) : base::Result<ImageTable>(base::fail("image.broken"));
    if (!table || table->hash != hash_ || table->map.size() != size_) {
        return std::nullopt;
    }
    return std::move(*table);
}

void TableShelf::keep(const ImageTable& table) const {
    if (file_.empty()) {
        return;
    }
    std::error_code ignored;
    std::filesystem::create_directories(file_.parent_path(), ignored);
    (void)base::replace_file(file_, base::dump_json(to_json(table)));
}

}  // namespace lineside::media
