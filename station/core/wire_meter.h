// SPDX-License-Identifier: Apache-2.0
// The lives of the units at one wire, turned into how much of its time a unit takes with so many at
// work: each moment is shared by all who are there. Whole lives hold every part of the work, also
// those whose traffic nobody tells of, and however units that began together keep step. Times are
// seconds of the caller's clock. Thread: any (plain values, no clock).
#pragma once

#include "station/core/bandwidth.h"

#include <cstdint>
#include <map>

namespace lineside::core {

class WireMeter {
  public:
    explicit WireMeter(Wire& wire) : wire_(wire) {}
    // From now on so many are let in at once.
    void let_in(int units) { allowed_ = units; }
    void begin(std::int64_t unit, double at);
    // Since it began so many bytes have moved (0: its worker does not tell), and so much of its
    // way is gone.
    void moved(std::int64_t unit, double bytes, int percent, double at);
    // `whole`: its work on the wire came to its end, and was not broken off.
    void end(std::int64_t unit, bool whole, double at);

  private:
    struct Unit {
        int allowed = 0;  // when it began
        double began = 0;
        double bytes = 0;
        double part = 0;               // seconds of the wire
        std::map<int, double> with{};  // seconds with so many at work
        bool first_part_told = false;
    };
    void pass(double at);
    // How many were at work all its life; 0: now these, now those.
    [[nodiscard]] static int at_once(const Unit& unit, double life);

    Wire& wire_;
    std::map<std::int64_t, Unit> units_;
    int allowed_ = 0;
    double now_ = 0;
};

}  // namespace lineside::core
