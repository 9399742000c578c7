// SPDX-License-Identifier: Apache-2.0
// How many units at once a shared wire carries best, learned from what it carried: bytes per second
// while one unit moves data, two, and so on (wire_meter.h sees to that). No number of it is told
// beforehand. The rule is explained in README.md. Thread: any (plain values, no clock).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::core {

// One wire: a root port, or a controller.
class Wire {
  public:
    // While `moving` units moved data for `seconds`, `bytes` went over the wire.
    void carried(int moving, double bytes, double seconds);
    // A unit that was worked on to its end: its bytes, and for how long it moved none.
    void unit_took(double bytes, double idle_seconds);

    // How many may be worked on at once now, 1 to `most`: the fewest that carry nearly the best;
    // while too little is known, so many that it soon will be.
    [[nodiscard]] int limit(int most) const;
    // Bytes per second while so many move, where it is known.
    [[nodiscard]] std::optional<double> rate(int moving) const;

    // "…": nothing from what is no such text.
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] static std::optional<Wire> from_text(std::string_view text);

  private:
    struct Load {
        double bytes = 0;
        double seconds = 0;
    };
    struct Seen {
        Load load;
        Load lately;  // since it was last compared with `load`
    };
    [[nodiscard]] std::map<int, double> known() const;
    // For each number of units worked on, bytes per second; index 0 is nobody.
    [[nodiscard]] std::vector<double> expected(const std::map<int, double>& rates, int most) const;
    void compare(int moving, Seen& seen);

    std::map<int, Seen> seen_;  // by number of units that move data
    double busy_ = 0;           // seconds in all
    double bytes_ = 0;          // of a unit, on average; 0 = none known
    double idle_ = 0;           // seconds in which a unit moves none, on average
    bool mute_ = false;         // units come to their end, and nobody says what they move
};

}  // namespace lineside::core
