// SPDX-License-Identifier: Apache-2.0
// Does a disk still do anything? By the requests that the kernel counts as finished: where the
// kernel itself writes for us, nothing else says so.
// Thread: one.
#pragma once

#include "station/base/error.h"

#include <string>
#include <string_view>

namespace lineside::media_writer {

// What /proc/diskstats says of finished requests of a device, "" = nothing. Pure.
[[nodiscard]] std::string finished_of(std::string_view diskstats, unsigned major, unsigned minor);

class DiskLife {
  public:
    explicit DiskLife(const std::string& node);
    // Has a request ended since the last call? True where nobody can say.
    [[nodiscard]] bool moved();

  private:
    unsigned major_ = 0, minor_ = 0;
    std::string seen_;
};

}  // namespace lineside::media_writer
