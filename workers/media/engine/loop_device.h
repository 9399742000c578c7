// SPDX-License-Identifier: Apache-2.0
// A part of a disk or of a file as a block device of its own, by the kernel's loop driver. It needs
// neither partition nodes nor udev, so nothing can look into a partition while it is made, and the
// disk itself stays exclusively opened all the time. The kernel takes it down by itself when its
// last user is gone, whatever became of this process.
// Errors: host.unfit (no loop devices, no right to them), usb.left, unit.storage.
// Thread: one at a time.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <cstdint>
#include <filesystem>

namespace lineside::media {

struct LoopPlan {
    std::filesystem::path backing;  // block device or plain file
    std::uint64_t offset = 0;       // bytes, a multiple of `sector`
    std::uint64_t bytes = 0;        // 0: all from `offset` on
    std::uint32_t sector = 512;     // bytes of a sector as the new device says it
    bool read_only = false;
};

class LoopDevice {
  public:
    [[nodiscard]] static base::Result<LoopDevice> attach(const LoopPlan& plan);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    // All that was written to it has reached what it lies on, and its cache is forgotten.
    [[nodiscard]] base::Status flush() const;

  private:
    LoopDevice(std::filesystem::path path, base::UniqueFd fd)
        : path_(std::move(path)), fd_(std::move(fd)) {}

    std::filesystem::path path_;
    base::UniqueFd fd_;
};

// Bytes of a sector of an opened block device; 512 where it does not say.
[[nodiscard]] std::uint32_t sector_of(int fd);

}  // namespace lineside::media
