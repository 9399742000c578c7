// SPDX-License-Identifier: Apache-2.0
// Who may start now. First come, first served; bounded for the whole host and per root port,
// because units behind one root port share its wire. Thread: any (pure).
#pragma once

#include <string>
#include <vector>

namespace lineside::core {

struct Limits {
    int jobs = 64;           // flashing at once, whole host
    int per_root_port = 16;  // flashing at once behind one root port
};

struct Waiting {
    std::string slot;
    std::string root_port;
};

// Slots of `queue` (in order of arrival) to admit, given the root ports of the jobs that flash now.
[[nodiscard]] std::vector<std::string> admit(const std::vector<Waiting>& queue,
                                             const std::vector<std::string>& busy_root_ports,
                                             const Limits& limits);

}  // namespace lineside::core
