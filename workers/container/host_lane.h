// SPDX-License-Identifier: Apache-2.0
// A job's lane as a container engine can have it. The engine sees the host's mounts, not the job's,
// so it gets the two folders that the lane is made of and puts them together inside the container.
// Thread: one. REQUIRES: root.
#pragma once

#include "station/base/error.h"

#include <filesystem>

namespace lineside::container {

struct HostLane {
    std::filesystem::path seen;    // where this worker has it: "/run/lineside-lane"
    std::filesystem::path tree;    // on the host, below the lane; nobody writes to it
    std::filesystem::path folder;  // on the host: upper/ and work/ of the overlay, or copy/
    bool overlay = true;           // else the lane is a copy of the tree

    // Where what the tools write is seen while the lane is lent.
    [[nodiscard]] std::filesystem::path written() const {
        return overlay ? folder / "upper" : seen;
    }
};

// By the helper's LINESIDE_LANE_TREE and LINESIDE_LANE_FOLDER. Errors: lane.failed.
[[nodiscard]] base::Result<HostLane> find_host_lane(const std::filesystem::path& seen);

// Not mounted here while it lives: two mounts of one upper folder show different things.
class LentLane {
  public:
    explicit LentLane(const HostLane& lane) : lane_(lane) {}
    ~LentLane() { (void)take_back(); }
    LentLane(const LentLane&) = delete;
    LentLane& operator=(const LentLane&) = delete;

    // Errors: lane.failed.
    [[nodiscard]] base::Status lend();
    [[nodiscard]] base::Status take_back();

  private:
    const HostLane& lane_;
    bool lent_ = false;
};

}  // namespace lineside::container
