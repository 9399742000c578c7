// SPDX-License-Identifier: Apache-2.0
// What a running step shows and what its end means, by the same rules for a unit at work and for a
// recording. Thread: any (plain values, no clock).
#pragma once

#include "station/base/error.h"
#include "station/core/profile.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace lineside::core {

// The wall's dot of a step of this name: before the proof the unit is being checked, the last steps
// test what was made.
[[nodiscard]] Dot dot_of(std::string_view step);

// Of the worker that runs: phases weigh against each other, and it never goes back.
class StepProgress {
  public:
    void phase(double weight);
    // True: the percent rose. `total` 0: not known.
    bool progress(std::uint64_t done, std::uint64_t total);
    [[nodiscard]] int percent() const { return percent_; }
    // From the pace so far; nothing while that would only jump about.
    [[nodiscard]] std::optional<int> time_left_s(std::int64_t spent_ns) const;

  private:
    double before_ = 0;  // weight of the phases that are done
    double now_ = 0;
    int percent_ = 0;
};

// What a worker says of a unit that is not there any more is no news of the unit. `pulled`: it left
// unannounced while the worker was at work.
[[nodiscard]] base::Error seen_at_port(base::Error error, bool present, bool pulled);

}  // namespace lineside::core
