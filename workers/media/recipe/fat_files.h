// SPDX-License-Identifier: Apache-2.0
// Files onto and off a FAT file system by mtools: no driver of the kernel is needed, and nothing
// is mounted. Errors: those of Programs, unit.storage, disk.full.
// Thread: one at a time per device.
#pragma once

#include "workers/media/recipe/programs.h"

#include <filesystem>

namespace lineside::media {

// A folder of our own that is gone with this object.
class TemporaryFolder {
  public:
    [[nodiscard]] static base::Result<TemporaryFolder> make(const std::filesystem::path& parent);
    ~TemporaryFolder();
    TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

// Everything in `folder` into the root folder of the file system on `device`.
[[nodiscard]] base::Status put_on_fat(const std::filesystem::path& folder,
                                      const std::filesystem::path& device,
                                      const Programs& programs);
// Everything of it into `folder`.
[[nodiscard]] base::Status get_from_fat(const std::filesystem::path& device,
                                        const std::filesystem::path& folder,
                                        const Programs& programs);

}  // namespace lineside::media
