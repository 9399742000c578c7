// SPDX-License-Identifier: Apache-2.0
// Which number of units at once is to be tried next at a wire whose throughput rises with the
// number up to a peak and does not rise behind it. Thread: any (pure).
#pragma once

#include <map>

namespace lineside::core {

struct Carried {
    double rate = 0;    // units (or bytes) per second, with so many at once
    bool sure = false;  // of whole lives; else only of how fast units began
};
using Rates = std::map<int, Carried>;  // by number of units at once

struct Level {
    int units = 1;
    bool found = false;  // nothing is left to be tried: the fewest that carry nearly the best
};

// None above `most` is tried.
[[nodiscard]] Level next_level(const Rates& rates, int most);

}  // namespace lineside::core
