// SPDX-License-Identifier: Apache-2.0
#include "station/core/flapping.h"

#include <algorithm>

namespace lineside::core {

void FlapCount::left(std::int64_t mono_ns) {
    left_.push_back(mono_ns);
    while (left_.size() > static_cast<std::size_t>(kTimes)) {
        left_.pop_front();
    }
}

void FlapCount::explained(std::int64_t since_mono_ns) {
    std::erase_if(left_, [&](std::int64_t at) { return at >= since_mono_ns; });
}

std::optional<Flapping> FlapCount::judge(std::int64_t mono_ns) const {
    const auto times = std::count_if(left_.begin(), left_.end(),
                                     [&](std::int64_t at) { return mono_ns - at <= kWithinNs; });
    if (times < kTimes) {
        return std::nullopt;
    }
    constexpr std::int64_t kSecond = 1'000'000'000;
    return Flapping{static_cast<int>(times),
                    static_cast<int>((mono_ns - left_.front() + kSecond - 1) / kSecond)};
}

}  // namespace lineside::core
