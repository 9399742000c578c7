// SPDX-License-Identifier: Apache-2.0
// How many units at once a shared wire carries best, found by trying: how much of its time a unit
// took with so many at work (wire_meter.h sees to that). No number of it is told beforehand. The
// rule is explained in README.md. Thread: any (plain values, no clock).
#pragma once

#include "station/core/level_search.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::core {

// One wire: a root port, or a controller.
class Wire {
  public:
    // With `units` at work a unit was worked on to its end and took so many seconds of the wire:
    // the parts of all units add up to the clock's. `bytes` 0: its worker tells of none.
    void life(int units, double bytes, double seconds);
    // … or it has gone the first part of its way, always the same.
    void first_part(int units, double seconds);

    // How many may be worked on at once now, 1 to `most`.
    [[nodiscard]] int limit(int most);
    // Seconds that lie between two who are let in where not all may at once: who began together is
    // at the same thing all its life, and leaves the wire alone together. 0: no life is known.
    [[nodiscard]] double apart() const;
    // Bytes per second, or units where no worker tells of bytes, where it is known.
    [[nodiscard]] std::optional<double> rate(int units) const;

    // "w2 …": nothing from what is no such text.
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] static std::optional<Wire> from_text(std::string_view text);

  private:
    struct Load {
        double work = 0;
        double seconds = 0;
        double units = 0;
        [[nodiscard]] double rate() const { return work / seconds; }
        // Newer ones count more.
        void add(int at_once, double work_more, double seconds_more);
    };
    using Loads = std::map<int, Load>;
    [[nodiscard]] Rates known() const;
    void try_another(const Level& level, int most);

    Loads lives_;  // by number of units at work
    Loads first_parts_;
    double unit_ = 0;    // bytes of one, on average; 0 = nobody tells of any
    int since_ = 0;      // units since another number was tried
    bool more_ = false;  // that was
    int trying_ = 0;     // another number, until it is known
};

}  // namespace lineside::core
