// SPDX-License-Identifier: Apache-2.0
// A file system to work in that is mounted nowhere: only who holds the descriptor sees it, so
// nothing on the host can hold it open or run from it, and when this process dies it is gone.
// Errors: host.unfit (no driver in the kernel, no right), unit.storage.
// Thread: one at a time.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <filesystem>
#include <string>

namespace lineside::media {

class Mounted {
  public:
    [[nodiscard]] static base::Result<Mounted> open(const std::filesystem::path& device,
                                                    const std::string& fs_type, bool read_only);
    // Its root folder, for openat() and friends.
    [[nodiscard]] int root() const { return root_.get(); }
    // Everything is on the device and the file system closed. Without this call what was written
    // last may have failed unseen.
    [[nodiscard]] base::Status close();

  private:
    Mounted(std::filesystem::path device, base::UniqueFd root)
        : device_(std::move(device)), root_(std::move(root)) {}

    std::filesystem::path device_;
    base::UniqueFd root_;
};

// Opens `path` below `folder` following no symbolic link on the way and leaving `folder` never.
// -1 and errno otherwise.
[[nodiscard]] int open_below(int folder, const std::string& path, int flags, mode_t mode = 0);

}  // namespace lineside::media
