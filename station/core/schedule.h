// SPDX-License-Identifier: Apache-2.0
// Who may start now. First come, first served; bounded for the whole host and for each wire the
// unit is at, because those behind one root port, and those at one controller, share it. Thread:
// any (pure).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lineside::core {

struct Limits {
    int jobs = 64;           // flashing at once, whole host
    int per_root_port = 16;  // flashing at once behind one root port
    bool learn = true;       // fewer, where a wire was found to carry fewer better
};

struct Waiting {
    std::string slot;
    std::string root_port;
};

// Of a port's path: what all its root ports share. "pci-0000:00:14.0"
[[nodiscard]] std::string controller_of(const std::string& root_port);

// Why a unit waits.
struct Full {
    enum class What { station, root_port, controller };
    What what = What::station;
    int units = 0;         // so many are let in at once
    bool learned = false;  // because the wire carries them best, not because of the configuration
    bool soon = false;     // there is room, but another was let in a moment ago
    bool operator==(const Full&) const = default;
};

struct Admission {
    std::vector<std::string> admitted;  // slots, in order of arrival
    std::map<std::string, Full> waits;  // all others of the queue
};

// What is known to be best for a wire (a root port or a controller), of so many that are allowed.
using BestOf = std::function<int(const std::string& wire, int most)>;

// … and how many may begin there now, since one was let in a moment ago. Not asked of a wire that
// takes all who are there.
using MoreOf = std::function<int(const std::string& wire)>;

// `queue` in order of arrival, given the root ports of the jobs that flash now. Who came first is
// asked first whenever room was made, and a wire with nobody at it takes one: everybody gets on.
[[nodiscard]] Admission admit(const std::vector<Waiting>& queue,
                              const std::vector<std::string>& busy_root_ports, const Limits& limits,
                              const BestOf& best, const MoreOf& more = {});

}  // namespace lineside::core
