// SPDX-License-Identifier: Apache-2.0
// A product's members one by one, by libarchive: of a tar packed or not, or the one plain file.
// Errors: config.missing, media.source.   Thread: one; its locale for file names is UTF-8
// meanwhile.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <locale.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

struct archive;
struct archive_entry;

namespace lineside::media {

// libarchive asks the thread's locale how names are written.
class Utf8Names {
  public:
    Utf8Names();
    ~Utf8Names();
    Utf8Names(const Utf8Names&) = delete;
    Utf8Names& operator=(const Utf8Names&) = delete;

  private:
    locale_t own_, before_;
};

// By its name, or by its first bytes where the name does not say.
[[nodiscard]] base::Result<bool> is_tar(const std::filesystem::path& file);

class TarReader {
  public:
    [[nodiscard]] static base::Result<TarReader> open(const std::filesystem::path& file,
                                                      bool packed);
    // The next member, valid until the next call; null at the end.
    [[nodiscard]] base::Result<archive_entry*> next();
    // Opens `file` and gives every member to `take`, until one fails.
    [[nodiscard]] static base::Status each(
        const std::filesystem::path& file, bool packed,
        const std::function<base::Status(TarReader& reader, archive_entry* entry)>& take);
    [[nodiscard]] archive* get() const { return archive_.get(); }
    // What libarchive complains about, as an error that names the file.
    [[nodiscard]] tl::unexpected<base::Error> damaged() const;

  private:
    struct Free {
        void operator()(archive* a) const;
    };
    TarReader() = default;

    std::filesystem::path file_;
    bool packed_ = true;
    std::int64_t plain_bytes_ = 0, plain_mtime_ = 0;  // of the one plain file
    std::unique_ptr<Utf8Names> names_;
    base::UniqueFd fd_;
    std::unique_ptr<archive, Free> archive_;
};

// The path as it is kept: no "./" in front, no "//" and "/./" inside, no "/" behind. Nothing where
// it leaves the folder: absolute, "..", or no name at all.
[[nodiscard]] std::optional<std::string> path_inside(std::string_view path);

}  // namespace lineside::media
