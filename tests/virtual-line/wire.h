// SPDX-License-Identifier: Apache-2.0
// The copper of one root port: a rate that the boards below it share. Each board asks for one small
// piece at a time, so those that send get equal parts.  Thread: any.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "loop.h"

namespace line {

struct WireShape {
    double mbps = 40;  // megabytes (10^6) a second
    // A bad hub: each board that sends besides so many takes a part of the rate away. 0 = none.
    int best = 0;
    double loss = 0;
};

class Wire {
  public:
    explicit Wire(const WireShape& shape) : shape_(shape) {}
    // When a piece of `bytes` that `sender` starts as soon as the wire is free will have passed.
    Clock::time_point reserve(std::size_t bytes, const void* sender);

  private:
    double rate(Clock::time_point now);  // bytes a second

    const WireShape shape_;
    std::mutex mutex_;
    Clock::time_point free_at_{};
    std::map<const void*, Clock::time_point> senders_;  // when each sent last
};

}  // namespace line
