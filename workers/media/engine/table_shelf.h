// SPDX-License-Identifier: Apache-2.0
// Tables of images that were hashed before, kept in the cache by what file it is: an image is
// hashed once, however often it is written. A table that is older than its image cannot make a
// wrong proof: a medium is compared with the table, never with the file.
// Thread: one; blocks on disk.
#pragma once

#include "workers/media/engine/image_table.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace lineside::media {

// Another file, or another content, has another one.
[[nodiscard]] std::string identity_of(const struct stat& status);
// Has the file been left alone for long enough that any later change shows in its times?
[[nodiscard]] bool has_settled(const struct stat& status);

class TableShelf {
  public:
    // `folder` empty: keeps nothing. `map`: what else the image's map was made of.
    TableShelf(const std::filesystem::path& folder, const struct stat& status, PieceHash hash,
               std::string_view map);

    [[nodiscard]] std::optional<ImageTable> find() const;
    // What cannot be kept is hashed again the next time.   Durable: yes.
    void keep(const ImageTable& table) const;

  private:
    std::filesystem::path file_;
    PieceHash hash_;
    std::uint64_t size_;
};

}  // namespace lineside::media
