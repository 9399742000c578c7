// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <algorithm>

namespace line {

Wire::Wire(double megabytes_per_second) : bytes_per_second_(megabytes_per_second * 1e6) {}

Clock::time_point Wire::reserve(std::size_t bytes) {
    // A sender that was late by a few milliseconds (scheduling) may catch up; an idle wire saves
    // nothing.
    constexpr auto kCatchUp = std::chrono::milliseconds(8);
    const auto passes = std::chrono::duration_cast<Clock::duration>(
        Seconds(static_cast<double>(bytes) / bytes_per_second_));
    const std::lock_guard lock(mutex_);
    free_at_ = std::max(free_at_, Clock::now() - kCatchUp) + passes;
    return free_at_;
}

}  // namespace line
