// SPDX-License-Identifier: Apache-2.0
// The disk a recipe goes onto: a block device, or a plain file of the wanted size, which becomes a
// loop device. Judged first, opened exclusively and judged again right before the first byte.
// Errors: those of disk_rules.h and open_medium(), media.forbidden, host.unfit.
// Thread: one.
#pragma once

#include "workers/media/engine/disk_rules.h"
#include "workers/media/engine/loop_device.h"
#include "workers/media/engine/medium.h"

namespace lineside::media {

struct JudgedTarget {
    std::filesystem::path path;
    DiskPolicy policy;
    bool device = true;  // false: a plain file
    std::uint64_t bytes = 0;
    std::uint64_t diskseq = 0;
    std::uint32_t sector = 512;
    std::string model, serial;  // of a device, for people and records
};
[[nodiscard]] base::Result<JudgedTarget> judge_target(const std::filesystem::path& path,
                                                      const DiskPolicy& policy);

class SetupTarget {
  public:
    [[nodiscard]] static base::Result<SetupTarget> open(const JudgedTarget& judged);

    [[nodiscard]] Medium& medium() { return *medium_; }
    // The block device, also where the target is a file.
    [[nodiscard]] const std::filesystem::path& device() const { return device_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Lets the disk go; the kernel reads its new partition table, but need not.
    void close();

  private:
    SetupTarget() = default;

    std::optional<LoopDevice> loop_;  // goes last
    std::filesystem::path device_;
    std::unique_ptr<Medium> medium_;
    base::UniqueFd fd_;
};

}  // namespace lineside::media
