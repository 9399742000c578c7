// SPDX-License-Identifier: Apache-2.0
// A played wire, units that take their turn at it, and admission by what was learned, against each
// fixed number of units. Nothing is told to the learner.
#include "station/core/bandwidth.h"

#include "station/core/wire_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <ostream>
#include <random>
#include <vector>

namespace lineside::core {
namespace {

constexpr int kMostUnits = 16;
constexpr double kStep = 1;  // seconds

// Bytes per second (in MB) of the whole wire with so many units that transfer.
using Shape = std::function<double(int)>;

struct Scene {
    const char* name;
    Shape shape;
    double setup = 15;     // seconds before a unit transfers
    double after = 5;      // … and behind it
    double size = 1'500;   // MB of a unit
    double spread = 0.1;   // how much units differ
    double jitter = 0.05;  // of the wire from second to second
    friend std::ostream& operator<<(std::ostream& out, const Scene& s) { return out << s.name; }
};

// Many units wait always. Returns MB per second over the whole run, and over its second half.
struct Carried {
    double all = 0;
    double second_half = 0;
};
Carried play(const Scene& scene, double seconds, unsigned seed,
             const std::function<int(double)>& limit, Wire* wire) {
    struct Unit {
        std::int64_t id;
        double setup, size, left, after;
        int percent = 0;
    };
    std::mt19937 dice(seed);
    const auto about = [&](double value, double part) {
        return value * std::uniform_real_distribution<double>(1 - part, 1 + part)(dice);
    };
    std::vector<Unit> units;
    std::int64_t ids = 0;
    Wire nobodys;
    WireMeter meter(wire != nullptr ? *wire : nobodys);
    Carried out;
    for (double at = 0; at < seconds; at += kStep) {
        while (static_cast<int>(units.size()) < limit(at)) {
            const double size = about(scene.size, scene.spread);
            units.push_back({++ids, about(scene.setup, scene.spread), size, size,
                             about(scene.after, scene.spread)});
            meter.begin(ids, at);
        }
        const auto moving = std::count_if(units.begin(), units.end(), [](const Unit& unit) {
            return unit.setup <= 0 && unit.left > 0;
        });
        const double each = moving == 0
                                ? 0
                                : about(scene.shape(static_cast<int>(moving)), scene.jitter) /
                                      static_cast<double>(moving);
        for (Unit& unit : units) {
            if (unit.setup > 0) {
                unit.setup -= kStep;
                if (unit.setup <= 0) {
                    meter.moved(unit.id, 0, at + kStep);  // its write begins
                }
            } else if (unit.left > 0) {
                const double moved = std::min(unit.left, each * kStep);
                unit.left -= moved;
                out.all += moved;
                out.second_half += at >= seconds / 2 ? moved : 0;
                // A tool tells of whole percents.
                const int percent = static_cast<int>(100 * (1 - unit.left / unit.size));
                if (percent > unit.percent) {
                    unit.percent = percent;
                    meter.moved(unit.id, unit.size * 1e4 * percent, at + kStep);
                }
            } else {
                unit.after -= kStep;
            }
        }
        std::erase_if(units, [&](const Unit& unit) {
            const bool done = unit.left <= 0 && unit.after <= 0;
            if (done) {
                meter.end(unit.id, true, at + kStep);
            }
            return done;
        });
    }
    out.all /= seconds;
    out.second_half /= seconds / 2;
    return out;
}

double best_fixed(const Scene& scene, double seconds, int* which = nullptr) {
    double best = 0;
    for (int fixed = 1; fixed <= kMostUnits; ++fixed) {
        const double carried = play(
                                   scene, seconds, 1, [&](double) { return fixed; }, nullptr)
                                   .all;
        if (carried > best) {
            best = carried;
            if (which != nullptr) {
                *which = fixed;
            }
        }
    }
    return best;
}

class LearnedAdmission : public ::testing::TestWithParam<Scene> {};

// A shift of eight hours, from knowing nothing.
TEST_P(LearnedAdmission, Carries_what_the_best_fixed_number_carries) {
    constexpr double kShift = 8 * 3'600;
    int best_number = 0;
    const double best = best_fixed(GetParam(), kShift, &best_number);
    for (const unsigned seed : {1U, 2U, 3U}) {
        Wire wire;
        const auto carried = play(
            GetParam(), kShift, seed, [&](double) { return wire.limit(kMostUnits); }, &wire);
        std::cout << "  seed " << seed << ": " << carried.all / best
                  << " of the best fixed number (" << best_number << "), second half "
                  << carried.second_half / best << ", limit " << wire.limit(kMostUnits) << "\n";
        EXPECT_GE(carried.all, 0.95 * best);
        EXPECT_GE(carried.second_half, 0.95 * best);
    }
}

// How soon: the first hour of a station's life, learning included.
TEST_P(LearnedAdmission, Is_not_far_off_from_the_first_hour_on) {
    constexpr double kHour = 3'600;
    const double best = best_fixed(GetParam(), kHour);
    Wire wire;
    const auto carried = play(
        GetParam(), kHour, 1, [&](double) { return wire.limit(kMostUnits); }, &wire);
    std::cout << "  first hour: " << carried.all / best << ", limit " << wire.limit(kMostUnits)
              << ": " << wire.to_text() << "\n";
    EXPECT_GE(carried.all, 0.8 * best);
}

// What was learned goes on after a restart of the service.
TEST_P(LearnedAdmission, Is_kept_as_text) {
    Wire wire;
    (void)play(
        GetParam(), 4 * 3'600, 1, [&](double) { return wire.limit(kMostUnits); }, &wire);
    const auto kept = Wire::from_text(wire.to_text());
    ASSERT_TRUE(kept) << wire.to_text();
    EXPECT_EQ(kept->limit(kMostUnits), wire.limit(kMostUnits)) << wire.to_text();
}

double collapse(int n, int best, double each, double loss) {
    return n <= best ? n * each : best * each * std::pow(1 - loss, n - best);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LearnedAdmission,
    ::testing::Values(
        Scene{"flat_above_4", [](int n) { return std::min(n * 30.0, 120.0); }},
        Scene{"flat_above_10", [](int n) { return std::min(n * 12.0, 120.0); }},
        Scene{"never_full", [](int n) { return n * 10.0; }},
        Scene{"full_with_one", [](int /*n*/) { return 35.0; }},
        Scene{"collapses_above_6", [](int n) { return collapse(n, 6, 20, 0.12); }},
        Scene{"collapses_above_3", [](int n) { return collapse(n, 3, 30, 0.2); }},
        Scene{"bends_slowly", [](int n) { return 200.0 * n / (n + 4); }},
        Scene{"sinks_slowly", [](int n) { return std::min(n * 25.0, 130.0 - 3.0 * n); }},
        Scene{"long_setup", [](int n) { return std::min(n * 30.0, 60.0); }, 60, 20, 900},
        Scene{"short_units", [](int n) { return collapse(n, 5, 20, 0.1); }, 4, 2, 120},
        Scene{"rough", [](int n) { return std::min(n * 30.0, 110.0); }, 15, 5, 1'500, 0.4, 0.4}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Wire, Nothing_known_is_half_of_what_is_allowed_and_never_none) {
    EXPECT_EQ(Wire().limit(16), 8);
    EXPECT_EQ(Wire().limit(32), 16);
    EXPECT_EQ(Wire().limit(5), 5);
    EXPECT_EQ(Wire().limit(1), 1);
    Wire mute;  // nobody says how much: nothing can be learned
    mute.unit_took(0, 60);
    EXPECT_EQ(mute.limit(16), 16);
    Wire dead;  // nothing ever gets through: one is always tried
    for (int i = 0; i < 1'000; ++i) {
        dead.carried(2, 0, 60);
    }
    EXPECT_GE(dead.limit(16), 1);
}

// A wire that still grows as an empty one is soon given all there is.
TEST(Wire, Grows_while_more_units_bring_more) {
    Wire wire;
    wire.carried(6, 60 * 20, 20);
    wire.carried(8, 80 * 20, 20);
    EXPECT_EQ(wire.limit(16), 16);
    wire.carried(9, 70 * 20, 20);
    EXPECT_EQ(wire.limit(16), 8);
}

// Where one more would only take from the others it waits, though the wire is at its best with it.
TEST(Wire, As_few_as_carry_nearly_the_best) {
    Wire wire;
    wire.unit_took(6'000, 0);
    for (const auto& [units, rate] :
         {std::pair(1, 30.0), {2, 60.0}, {3, 90.0}, {4, 100.0}, {5, 100.6}, {6, 100.8}}) {
        wire.carried(units, rate * 10, 10);
    }
    EXPECT_EQ(wire.limit(16), 4);
    EXPECT_EQ(wire.limit(3), 3);
    EXPECT_DOUBLE_EQ(wire.rate(3).value_or(0), 90.0);
    EXPECT_FALSE(wire.rate(7).has_value());
}

// Units that are away from the wire half of their time: twice as many are worked on.
TEST(Wire, Counts_in_the_time_a_unit_moves_nothing) {
    Wire wire;
    wire.unit_took(1'000, 0);
    for (int units = 1; units <= 12; ++units) {
        wire.carried(units, 10 * std::min(units * 10.0, 40.0), 10);
    }
    EXPECT_EQ(wire.limit(32), 4);
    for (int i = 0; i < 40; ++i) {
        wire.unit_took(1'000, 100);
    }
    EXPECT_GE(wire.limit(32), 8);
}

// A better hub: what was too many before is tried again after a while, and found to do.
TEST(Wire, A_wire_that_became_better_or_worse_is_found_out) {
    const Scene before{"before", [](int n) { return collapse(n, 2, 30, 0.2); }};
    const Scene after{"after", [](int n) { return collapse(n, 8, 30, 0.2); }};
    for (const auto& [first, second] : {std::pair(before, after), std::pair(after, before)}) {
        Wire wire;
        const auto by_wire = [&](double) { return wire.limit(kMostUnits); };
        (void)play(first, 6 * 3'600, 1, by_wire, &wire);
        (void)play(second, 6 * 3'600, 2, by_wire, &wire);
        const auto then = play(second, 4 * 3'600, 3, by_wire, &wire);
        int which = 0;
        const double best = best_fixed(second, 4 * 3'600, &which);
        EXPECT_GE(then.all, 0.95 * best) << then.all / best << " of " << which << ", limit "
                                         << wire.limit(kMostUnits) << ": " << wire.to_text();
    }
}

TEST(Wire, Text_that_is_none_is_refused) {
    for (const char* text : {"", "x", "1", "1 2 3", "1 2 0 3 4", "1 2 2 -3 4", "1 2 2 3 nan",
                             "1 2 2 3 4 5", "1 2 99999 1 1"}) {
        EXPECT_FALSE(Wire::from_text(text)) << text;
    }
    EXPECT_TRUE(Wire::from_text("0 0"));
}

// A report tells of the time since the one before: a second counts when all have told of it.
TEST(WireMeter, Spreads_what_is_reported_over_the_seconds_it_took) {
    Wire wire;
    WireMeter meter(wire);
    meter.begin(1, 0);
    meter.begin(2, 0);
    meter.moved(1, 0, 10);
    meter.moved(2, 0, 10);
    EXPECT_FALSE(meter.moved(1, 1'000, 20));  // the other has said nothing of these seconds
    EXPECT_TRUE(meter.moved(2, 2'000, 20));
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 300.0);
    EXPECT_FALSE(meter.moved(1, 2'000, 30));
    EXPECT_FALSE(wire.rate(1).has_value());
    EXPECT_TRUE(meter.moved(2, 2'000, 30));  // it moved nothing meanwhile
    EXPECT_DOUBLE_EQ(wire.rate(1).value_or(0), 100.0);
    EXPECT_EQ(meter.units(), 2);
    meter.end(1, true, 40);
    EXPECT_FALSE(meter.moved(1, 9'000, 41));
}

// One that hangs keeps nobody from being counted.
TEST(WireMeter, Waits_for_nobody_longer_than_a_minute) {
    Wire wire;
    WireMeter meter(wire);
    meter.begin(1, 0);
    meter.begin(2, 0);
    for (int at = 1; at <= 120; ++at) {
        meter.moved(1, 10.0 * at, at);
    }
    EXPECT_DOUBLE_EQ(wire.rate(1).value_or(0), 10.0);
}

}  // namespace
}  // namespace lineside::core
