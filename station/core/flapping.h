// SPDX-License-Identifier: Apache-2.0
// Does a port come and go? Counts how often what was plugged in left it for no reason that is
// known; which reasons there are is the caller's to say. Thread: any (plain values, no clock).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace lineside::core {

struct Flapping {
    int times = 0;
    int seconds = 0;  // from the first of them until now, rounded up
};

class FlapCount {
  public:
    // More often than a person plugs in and out: who changes units takes longer, and a unit that
    // starts over and over needs longer for each start.
    static constexpr int kTimes = 6;
    static constexpr std::int64_t kWithinNs = 60'000'000'000;

    void left(std::int64_t mono_ns);
    // A reason became known afterwards for what has left since then.
    void explained(std::int64_t since_mono_ns);
    void clear() { left_.clear(); }
    [[nodiscard]] std::optional<Flapping> judge(std::int64_t mono_ns) const;

  private:
    std::deque<std::int64_t> left_;  // oldest first, the last kTimes
};

}  // namespace lineside::core
