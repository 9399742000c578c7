// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <algorithm>

namespace line {

int Bench::next_devnum(int bus) {
    auto& used = in_use[bus];
    int number = last_devnum[bus];
    do {
        number = number >= 127 ? 1 : number + 1;
    } while (std::find(used.begin(), used.end(), number) != used.end());
    last_devnum[bus] = number;
    used.push_back(number);
    return number;
}

void Bench::free_devnum(int bus, int devnum) {
    std::erase(in_use[bus], devnum);
}

}  // namespace line
