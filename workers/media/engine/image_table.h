// SPDX-License-Identifier: Apache-2.0
// What is known of an image beside its bytes: which of them count, and what each piece of them
// hashes to. Made once, when the image is taken into the cache, and kept beside it; the digest is
// what a medium must give back.   Thread: any (plain values).
#pragma once

#include "station/base/json.h"
#include "workers/media/engine/image_map.h"
#include "workers/media/engine/piece_hash.h"

#include <span>
#include <string>

namespace lineside::media {

// SHA-256, lower-case hex, over size, extents and the hashes of the pieces of data in order: of an
// image what was hashed, of a medium what was read back. Equal: the medium holds the image.
[[nodiscard]] std::string digest_of(const ImageMap& map, PieceHash kind,
                                    std::span<const HashValue> hashes);

struct ImageTable {
    ImageMap map;
    PieceHash hash = PieceHash::xxh3;
    std::vector<HashValue> hashes;  // of map.pieces(Fill::data)
    std::string sha256;             // of the whole image, lower-case hex
};
// A piece of 1 MiB takes some 70 bytes: an image of 512 GiB.
constexpr std::size_t kMaxTableBytes = 64 * 1024 * 1024;
[[nodiscard]] base::Json to_json(const ImageTable& table);
// Errors: image.broken (not what to_json made).
[[nodiscard]] base::Result<ImageTable> table_of(std::string_view text);

}  // namespace lineside::media
