// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <algorithm>
#include <cmath>

namespace line {

double Wire::rate(Clock::time_point now) {
    constexpr auto kSends = std::chrono::milliseconds(500);
    const double all = shape_.mbps * 1e6;
    if (shape_.best == 0) {
        return all;
    }
    std::erase_if(senders_, [&](const auto& each) { return now - each.second > kSends; });
    const int beyond = static_cast<int>(senders_.size()) - shape_.best;
    return beyond > 0 ? all * std::pow(1 - shape_.loss, beyond) : all;
}

Clock::time_point Wire::reserve(std::size_t bytes, const void* sender) {
    // A sender that was late by a few milliseconds (scheduling) may catch up; an idle wire saves
    // nothing.
    constexpr auto kCatchUp = std::chrono::milliseconds(8);
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const auto passes = std::chrono::duration_cast<Clock::duration>(
        Seconds(static_cast<double>(bytes) / rate(now)));
    free_at_ = std::max(free_at_, now - kCatchUp) + passes;
    senders_[sender] = free_at_;
    return free_at_;
}

}  // namespace line
