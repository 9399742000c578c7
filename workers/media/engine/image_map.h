// SPDX-License-Identifier: Apache-2.0
// Which bytes of an image are written, which must read as zero, and which mean nothing. In bytes,
// in order, without gaps. A hole of a raw file means zeros: leaving the medium's old bytes there is
// the classic trap of block maps, so only a map that says "unused" makes bytes mean nothing.
// Thread: any (plain values).
#pragma once

#include "station/base/json.h"
#include "workers/media/formats/bmap.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace lineside::media {

enum class Fill { data, zero, unused };

struct Extent {
    std::uint64_t begin = 0, end = 0;  // bytes, end not included
    Fill fill = Fill::data;
};

// All extents and pieces begin at multiples of this, whatever a medium's sectors are (512 or 4096).
constexpr std::uint64_t kAlignment = 4096;
// What is hashed, and the most that one request moves.
constexpr std::uint64_t kPieceBytes = 1024 * 1024;

class ImageMap {
  public:
    // `extents` in order, inside the image; what they leave out is `between`. Data grows to whole
    // blocks of kAlignment, the others shrink.
    ImageMap(std::uint64_t size, const std::vector<Extent>& extents, Fill between);

    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const std::vector<Extent>& extents() const { return extents_; }
    [[nodiscard]] std::uint64_t bytes_of(Fill fill) const;
    // The extents of `fill`, cut at multiples of kPieceBytes.
    [[nodiscard]] std::vector<Extent> pieces(Fill fill) const;

  private:
    void add(Extent extent);

    std::uint64_t size_;
    std::vector<Extent> extents_;
};

// By SEEK_DATA and SEEK_HOLE; a file system without holes gives one extent of data.
// Errors: media.source.
[[nodiscard]] base::Result<ImageMap> map_of_holes(int fd, std::uint64_t size);
[[nodiscard]] ImageMap map_of_bmap(const Bmap& bmap);
// As it is kept beside an image in a cache; nothing where the text is not what to_json made.
[[nodiscard]] base::Json to_json(const ImageMap& map);
[[nodiscard]] std::optional<ImageMap> map_from(const base::Json& json);

}  // namespace lineside::media
