// SPDX-License-Identifier: Apache-2.0
// How many units at once a shared wire carries best, learned from what it carried: bytes per second
// with one unit, with two, and so on. No number of it is told beforehand. The rule is explained in
// README.md. Times are seconds of the caller's clock. Thread: any (plain values, no clock).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::core {

// One wire: a root port, or a controller.
class Wire {
  public:
    // `units` were worked on for `seconds` and `bytes` reached them meanwhile.
    void carried(int units, double bytes, double seconds);
    // A unit was worked on for so long in all: shorter looks at a wire say too little, because work
    // on a unit is not all transfer.
    void unit_took(double seconds);

    // How many may be worked on at once now, 1 to `most`: so many that one more would add nearly
    // nothing, and only slow the others; while that is not known, as many as would tell.
    [[nodiscard]] int limit(int most) const;
    // Bytes per second with so many, where it is known.
    [[nodiscard]] std::optional<double> rate(int units) const;
    [[nodiscard]] bool settled(int most) const;  // limit() tries nothing out

    // "1 120.0 5400000 …". Nothing from what is no such text.
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] static std::optional<Wire> from_text(std::string_view text);

  private:
    struct Load {
        double bytes = 0;
        double seconds = 0;
    };
    struct Seen {
        Load load;
        Load lately;         // since it was last compared with `load`
        double at = 0;       // of busy_, when it was last seen
        bool known = false;  // it was seen as long as a unit took then
    };
    [[nodiscard]] double needed() const;
    [[nodiscard]] bool fresh(int units) const;  // known, and seen not long ago
    [[nodiscard]] std::map<int, double> known(int most) const;
    void compare(Seen& seen);

    std::map<int, Seen> seen_;  // by number of units
    double busy_ = 0;           // seconds in all
    double took_ = 0;           // of a unit, on average; 0 = none known
    double valid_from_ = 0;     // of busy_: what was seen before is of a wire that has changed
};

// What is worked on at one wire now, turned into what it carried. Bytes come as workers report
// them.
class Meter {
  public:
    explicit Meter(Wire& wire) : wire_(wire) {}
    // From `at` on there are so many units.
    void units(int count, double at);
    void moved(double bytes) { bytes_ += bytes; }
    // Hands over what has been carried up to `at`; true when that was something.
    bool look(double at);

  private:
    Wire& wire_;
    int count_ = 0;
    double since_ = 0;
    double bytes_ = 0;
};

}  // namespace lineside::core
