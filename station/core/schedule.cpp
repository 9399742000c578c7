// SPDX-License-Identifier: Apache-2.0
#include "station/core/schedule.h"

#include <map>

namespace lineside::core {

std::vector<std::string> admit(const std::vector<Waiting>& queue,
                               const std::vector<std::string>& busy_root_ports,
                               const Limits& limits) {
    std::map<std::string, int> per_port;
    for (const std::string& port : busy_root_ports) {
        ++per_port[port];
    }
    auto total = static_cast<int>(busy_root_ports.size());
    std::vector<std::string> admitted;
    for (const Waiting& waiting : queue) {
        if (total >= limits.jobs) {
            break;
        }
        int& here = per_port[waiting.root_port];
        if (here < limits.per_root_port) {
            ++here;
            ++total;
            admitted.push_back(waiting.slot);
        }
    }
    return admitted;
}

}  // namespace lineside::core
