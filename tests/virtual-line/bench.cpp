// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <algorithm>

#include "bus.h"

namespace line {

Bench::Bench(Options chosen) : options(std::move(chosen)), journal(options.dir / "journal.jsonl") {}

Bench::~Bench() = default;

const std::shared_ptr<Wire>& Bench::wire(int number) {
    auto& wire = wires[number];
    if (!wire) {
        wire = std::make_shared<Wire>(options.wire);
    }
    return wire;
}

int Bench::next_devnum(int number_of_bus) {
    auto& used = in_use[number_of_bus];
    int number = last_devnum[number_of_bus];
    do {
        number = number >= 127 ? 1 : number + 1;
    } while (std::find(used.begin(), used.end(), number) != used.end());
    last_devnum[number_of_bus] = number;
    used.push_back(number);
    return number;
}

void Bench::free_devnum(int number_of_bus, int devnum) {
    std::erase(in_use[number_of_bus], devnum);
}

}  // namespace line
