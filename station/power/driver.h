// SPDX-License-Identifier: Apache-2.0
// One switch: a relay, a socket, a hub's port. Tells whether it did as told, never whether the unit
// did: that its port shows. Errors: power.failed (what the switch or the way to it said).
// Thread: the io_context's; what may block runs on a thread of its own, which nobody waits for.
#pragma once

#include "station/base/error.h"
#include "station/power/plan.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace lineside::power {

using Done = std::function<void(base::Status)>;
// Switches one port of a hub, as only root may: station/process.
using PortSwitch = std::function<void(const std::string& port, bool on, Done done)>;

class Switch {
  public:
    virtual ~Switch() = default;
    // `port` is the unit's own, as it is mapped now. `done` comes later, once, also when the
    // switch hangs: within the plan's time. Not while another one is under way.
    virtual void set(const std::string& port, bool on, Done done) = 0;
};

// For every driver but `manual`, which a person is.
[[nodiscard]] std::unique_ptr<Switch> make_switch(boost::asio::io_context& loop, SwitchPlan plan,
                                                  PortSwitch ports);

}  // namespace lineside::power
