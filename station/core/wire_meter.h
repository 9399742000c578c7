// SPDX-License-Identifier: Apache-2.0
// What the units at one wire say of their progress, turned into what the wire carried while so many
// moved data. A report tells of the time since the report before, and reports are rare (a percent
// at a time), so a second is counted once all who were at work have told of it. Times are seconds
// of the caller's clock. Thread: any (plain values, no clock).
#pragma once

#include "station/core/bandwidth.h"

#include <cstdint>
#include <deque>
#include <map>

namespace lineside::core {

class WireMeter {
  public:
    explicit WireMeter(Wire& wire) : wire_(wire) {}
    void begin(std::int64_t unit, double at);
    // So many bytes have moved since it began. True: the wire was told something.
    bool moved(std::int64_t unit, double bytes, double at);
    // `whole`: its work on the wire came to its end, and was not broken off.
    void end(std::int64_t unit, bool whole, double at);
    [[nodiscard]] int units() const { return static_cast<int>(units_.size()); }

  private:
    struct Unit {
        double began = 0;
        double told = 0;  // when it last reported
        double bytes = 0;
        double moving = 0;  // seconds
    };
    struct Second {
        double moving = 0;  // units
        double bytes = 0;
    };
    void spread(double from, double to, double bytes);
    bool settle(double at);

    Wire& wire_;
    std::map<std::int64_t, Unit> units_;
    std::deque<Second> seconds_;  // not counted yet
    std::int64_t first_ = 0;      // which second the first of them is
};

}  // namespace lineside::core
