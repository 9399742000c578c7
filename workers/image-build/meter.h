// SPDX-License-Identifier: Apache-2.0
// Tells now and then how much is done. Thread: one.
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <functional>

namespace lineside::image_build {

// Called now and then with what is done so far; an error ends the work with it (the station is
// gone, somebody pressed stop).
using Tick = std::function<base::Status(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

// Calls a tick, which outlives it, once for about 16 MiB.
class Meter {
  public:
    explicit Meter(const Tick& tick, std::uint64_t total = 0) : tick_(tick), total_(total) {}
    void expect(std::uint64_t bytes) { total_ += bytes; }
    [[nodiscard]] base::Status add(std::uint64_t bytes) {
        done_ += bytes;
        if (!tick_ || done_ - told_ < kEvery) {
            return {};
        }
        told_ = done_;
        return tick_(done_, total_);
    }

  private:
    static constexpr std::uint64_t kEvery = 16 * 1024 * 1024;
    const Tick& tick_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::uint64_t told_ = 0;
};

}  // namespace lineside::image_build
