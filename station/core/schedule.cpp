// SPDX-License-Identifier: Apache-2.0
#include "station/core/schedule.h"

#include <algorithm>
#include <optional>

namespace lineside::core {
namespace {

// The units at one wire, and how many it takes.
struct Place {
    int units = 0;
    int room = 0;
    bool learned = false;
    int more = 0;  // may begin now
    int next = 0;  // of those that wait, those that there is room for

    [[nodiscard]] bool full() const { return units >= room || (units > 0 && more <= 0); }
    // Of the next one that waits.
    Full why(Full::What what) {
        const bool soon = units + next < room;
        next += soon ? 1 : 0;
        return {what, room, learned, soon};
    }
    void take_one() {
        ++units;
        --more;
    }
};

}  // namespace

std::string controller_of(const std::string& root_port) {
    return root_port.substr(0, root_port.find("-usb-"));
}

Admission admit(const std::vector<Waiting>& queue, const std::vector<std::string>& busy_root_ports,
                const Limits& limits, const BestOf& best, const MoreOf& more) {
    std::map<std::string, int> there;  // at work or waiting
    const auto count = [&](const std::string& port) {
        ++there[port];
        ++there[controller_of(port)];
    };
    std::for_each(busy_root_ports.begin(), busy_root_ports.end(), count);
    for (const Waiting& waiting : queue) {
        count(waiting.root_port);
    }
    std::map<std::string, Place> places;
    const auto place = [&](const std::string& wire, int most) -> Place& {
        const auto [found, is_new] = places.try_emplace(wire);
        if (is_new) {
            const int learned = std::clamp(best(wire, most), 1, most);
            const bool asked = more && learned < there[wire];
            found->second = {0, learned, learned < most, asked ? more(wire) : most};
        }
        return found->second;
    };
    const auto root = [&](const std::string& port) -> Place& {
        return place(port, limits.per_root_port);
    };
    const auto controller = [&](const std::string& port) -> Place& {
        return place(controller_of(port), limits.jobs);
    };
    for (const std::string& port : busy_root_ports) {
        ++root(port).units;
        ++controller(port).units;
    }
    auto total = static_cast<int>(busy_root_ports.size());
    Admission out;
    for (const Waiting& waiting : queue) {
        Place& here = root(waiting.root_port);
        Place& above = controller(waiting.root_port);
        if (here.full()) {
            out.waits[waiting.slot] = here.why(Full::What::root_port);
        } else if (above.full() && above.learned) {
            out.waits[waiting.slot] = above.why(Full::What::controller);
        } else if (total >= limits.jobs) {
            out.waits[waiting.slot] = {Full::What::station, limits.jobs, false, false};
        } else {
            here.take_one();
            above.take_one();
            ++total;
            out.admitted.push_back(waiting.slot);
        }
    }
    return out;
}

}  // namespace lineside::core
