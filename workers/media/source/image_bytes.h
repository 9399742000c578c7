// SPDX-License-Identifier: Apache-2.0
// An image file as the bytes that belong onto a medium: plain, or unpacked by libarchive as its
// name says (.gz, .xz, .zst, .bz2; .zip with one file in it, and perhaps its block map).
// Errors: config.missing (not there), media.source (cut or damaged, more than one image in it).
// Thread: one; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

struct archive;

namespace lineside::media {

enum class Packing { none, gz, xz, zst, bz2, zip };

// By the end of the name, in any case.
[[nodiscard]] Packing packing_of(const std::filesystem::path& file);

class ImageBytes {
  public:
    [[nodiscard]] static base::Result<ImageBytes> open(const std::filesystem::path& file);

    // The next bytes, at most `most`, valid until the next call; empty at the end.
    [[nodiscard]] base::Result<std::string_view> next(std::size_t most);
    // Bytes read of the file itself so far, for progress.
    [[nodiscard]] std::uint64_t read_of_file() const;
    [[nodiscard]] std::uint64_t file_size() const { return file_size_; }
    // The NAME.bmap that lies in the archive too: known for sure once all was read.
    [[nodiscard]] const std::optional<std::string>& bmap() const { return bmap_; }

  private:
    struct Free {
        void operator()(archive* a) const;
    };
    ImageBytes() = default;
    [[nodiscard]] base::Status open_archive();
    // To the next file of the archive that is no block map; false at the end.
    [[nodiscard]] base::Result<bool> next_file();
    [[nodiscard]] base::Status take_bmap();
    [[nodiscard]] tl::unexpected<base::Error> damaged() const;

    std::filesystem::path file_;
    Packing packing_ = Packing::none;
    base::UniqueFd fd_;
    std::unique_ptr<archive, Free> archive_;
    std::vector<char> buffer_;
    std::optional<std::string> bmap_;
    std::uint64_t file_size_ = 0, read_ = 0;
    bool ended_ = false;
};

}  // namespace lineside::media
