// SPDX-License-Identifier: Apache-2.0
// The copper of one root port: a rate that the boards below it share. Each board asks for one small
// piece at a time, so those that send get equal parts.  Thread: any.
#pragma once

#include <cstddef>
#include <mutex>

#include "loop.h"

namespace line {

class Wire {
  public:
    // Units: megabytes (10^6) a second.
    explicit Wire(double megabytes_per_second);
    // When a piece of `bytes` that starts as soon as the wire is free will have passed.
    Clock::time_point reserve(std::size_t bytes);

  private:
    const double bytes_per_second_;
    std::mutex mutex_;
    Clock::time_point free_at_{};
};

}  // namespace line
