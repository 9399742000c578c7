// SPDX-License-Identifier: Apache-2.0
// What one number of units tells, and which is tried next. How well that does is in
// admission_test.cpp.
#include "station/core/bandwidth.h"

#include "station/core/wire_play.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace lineside::core {
namespace {

// Units at a wire that carries so much with so many at once.
void tell(Wire& wire, const std::map<int, double>& rates) {
    for (const auto& [units, rate] : rates) {
        for (int i = 0; i < std::max(2, units); ++i) {
            wire.life(units, 1'000, 1'000 / rate);
        }
    }
}

Rates sure(const std::map<int, double>& rates) {
    Rates out;
    for (const auto& [units, rate] : rates) {
        out[units] = {rate, true};
    }
    return out;
}

TEST(NextLevel, Finds_each_peak_in_few_tries) {
    for (int peak = 1; peak <= 16; ++peak) {
        for (const double loss : {0.05, 0.2, 0.5}) {
            const auto carries = [&](int n) {
                return n <= peak ? n : peak * std::pow(1 - loss, n - peak);
            };
            Rates rates;
            Level level = next_level(rates, 16);
            while (!level.found) {
                ASSERT_FALSE(rates.contains(level.units));
                rates[level.units] = {carries(level.units), true};
                level = next_level(rates, 16);
            }
            EXPECT_GE(carries(level.units), 0.95 * peak) << peak << " " << loss;
            EXPECT_LE(rates.size(), 9U) << peak << " " << loss;
        }
    }
}

TEST(NextLevel, Goes_on_as_far_as_the_last_step_brought_something) {
    EXPECT_EQ(next_level({}, 16).units, 2);
    EXPECT_EQ(next_level({}, 1).units, 1);
    EXPECT_EQ(next_level(sure({{2, 20}}), 16).units, 4);
    EXPECT_EQ(next_level(sure({{2, 20}}), 3).units, 3);
    EXPECT_EQ(next_level(sure({{2, 20}, {4, 40}}), 16).units, 8);
    EXPECT_EQ(next_level(sure({{2, 20}, {4, 30}}), 16).units, 6);  // half of that
    EXPECT_EQ(next_level(sure({{2, 20}, {4, 24}}), 16).units, 3);  // it is full
    EXPECT_EQ(next_level(sure({{2, 20}, {4, 10}}), 16).units, 3);
    EXPECT_EQ(next_level(sure({{2, 20}, {3, 15}, {4, 10}}), 16).units, 1);
}

// Where one more would only take from the others it waits, though the wire is at its best with it.
TEST(NextLevel, Is_the_fewest_that_carry_nearly_the_best) {
    const Level level =
        next_level(sure({{2, 60}, {3, 100}, {4, 100.2}, {5, 100.6}, {8, 100.8}}), 16);
    EXPECT_TRUE(level.found);
    EXPECT_EQ(level.units, 3);
    EXPECT_EQ(next_level(sure({{1, 99.5}, {2, 100}, {4, 100}}), 16).units, 1);
}

TEST(NextLevel, Makes_sure_of_the_best_and_of_what_is_beside_it) {
    Rates rates = sure({{4, 40}});
    rates[2] = {30, false};
    EXPECT_EQ(next_level(rates, 4).units, 3);  // the other is far off
    rates[2] = {39, false};
    EXPECT_EQ(next_level(rates, 4).units, 2);
    rates[8] = {50, false};
    EXPECT_EQ(next_level(rates, 16).units, 8);
}

TEST(Wire, Begins_with_two_and_never_takes_none) {
    EXPECT_EQ(Wire().limit(16), 2);
    EXPECT_EQ(Wire().limit(1), 1);
    EXPECT_EQ(Wire().limit(0), 1);
    Wire slow;
    for (int i = 0; i < 2'000; ++i) {
        slow.life(slow.limit(16), 1, 1e6);
        EXPECT_GE(slow.limit(16), 1);
    }
}

TEST(Wire, One_unit_is_no_rate) {
    Wire wire;
    wire.life(2, 1'000, 10);
    EXPECT_FALSE(wire.rate(2).has_value());
    EXPECT_EQ(wire.limit(16), 2);
    wire.life(2, 3'000, 10);
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 200);
    EXPECT_EQ(wire.limit(16), 4);
    wire.life(0, 3'000, 10);  // of units that were now more, now fewer
    EXPECT_FALSE(wire.rate(0).has_value());
}

// Units that only just began already say whether more bring more.
TEST(Wire, Goes_on_by_the_first_part_of_the_way) {
    Wire wire;
    for (int i = 0; i < 2; ++i) {
        wire.first_part(2, 10);
    }
    EXPECT_EQ(wire.limit(16), 4);
    for (int i = 0; i < 2; ++i) {
        wire.first_part(4, 5);
    }
    EXPECT_EQ(wire.limit(16), 8);
    tell(wire, {{4, 40}, {2, 60}});  // … but whole lives count
    EXPECT_LT(wire.limit(16), 4);
}

TEST(Wire, Counts_units_where_no_worker_tells_of_bytes) {
    Wire wire;
    for (int i = 0; i < 2; ++i) {
        wire.life(2, 0, 10);
    }
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 0.1);
    wire.life(2, 5'000, 10);  // from now on bytes
    EXPECT_FALSE(wire.rate(2).has_value());
    wire.life(2, 0, 10);  // one that is mute counts as one of the others
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 500);
}

TEST(Wire, Text_that_is_none_is_refused) {
    for (const char* text :
         {"", "x", "1", "w2", "w2 0 0", "w2 0 0 x", "w2 0 0 0 1", "w2 0 0 0 1 0 1 1 1",
          "w2 0 0 0 1 1 -1 1 1", "w2 0 0 0 1 1 1 nan 1", "w2 0 0 0 1 1 1 0 1",
          "w2 0 0 0 1 99999 1 1 1", "w3 0 0 0", "17000000 3.2 1 29.0 3400000"}) {
        EXPECT_FALSE(Wire::from_text(text)) << text;
    }
    EXPECT_TRUE(Wire::from_text("w2 0 0 0"));
    Wire wire;
    tell(wire, {{2, 20}, {3, 18}});
    wire.first_part(4, 5);
    auto kept = Wire::from_text(wire.to_text());
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->to_text(), wire.to_text());
    EXPECT_EQ(kept->limit(16), wire.limit(16));
}

// Another hub: what was too many or too few before is tried again after a while.
TEST(Wire, A_wire_that_became_better_or_worse_is_found_out) {
    const auto hub = [](int best) {
        return testing::Scene{
            "hub",
            [best](int n) { return n <= best ? n * 30.0 : best * 30 * std::pow(0.8, n - best); },
            16};
    };
    for (const auto& [before, after] : {std::pair(2, 8), std::pair(8, 2)}) {
        Wire wire;
        const auto learned = [&] { return wire.limit(64); };
        (void)testing::Play(hub(before), 1, wire).run(600, learned);
        (void)testing::Play(hub(after), 2, wire).run(1'500, learned);
        const double took = testing::Play(hub(after), 3, wire).run(200, learned).back();
        Wire nobodys;
        const double best = testing::Play(hub(after), 3, nobodys)
                                .run(200, [fixed = after] { return fixed; })
                                .back();
        EXPECT_GE(best / took, 0.95)
            << before << " to " << after << ": " << wire.limit(64) << " " << wire.to_text();
    }
}

// Each moment is shared by all who are at work: two of them took half of the time each.
TEST(WireMeter, A_unit_takes_its_part_of_the_time) {
    Wire wire;
    WireMeter meter(wire);
    meter.let_in(2);
    std::int64_t id = 0;
    const auto pair_of = [&](double at, bool whole) {
        meter.begin(++id, at);
        meter.begin(++id, at);
        for (const std::int64_t unit : {id - 1, id}) {
            meter.moved(unit, 500, 10, at + 5);
            meter.end(unit, whole, at + 10);
        }
    };
    pair_of(0, false);  // what is broken off says nothing
    EXPECT_EQ(wire.to_text(), Wire().to_text());
    pair_of(10, true);
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 100.0);
    meter.end(id, true, 30);  // has ended
    meter.moved(99, 500, 100, 30);
    EXPECT_DOUBLE_EQ(wire.rate(2).value_or(0), 100.0);
}

TEST(WireMeter, A_life_with_now_more_and_now_fewer_says_nothing) {
    Wire wire;
    WireMeter meter(wire);
    meter.let_in(3);
    meter.begin(1, 0);
    meter.begin(2, 4);
    meter.begin(3, 6);
    meter.end(1, true, 10);
    meter.end(2, true, 12);
    EXPECT_EQ(wire.to_text(), Wire().to_text());
}

// The next one takes a moment to come: nearly as many as are let in are as many. Fewer are fewer.
TEST(WireMeter, Counts_those_who_come) {
    for (const auto& [allowed, counted] : {std::pair(6, 6), std::pair(8, 5)}) {
        Wire wire;
        WireMeter meter(wire);
        meter.let_in(allowed);
        for (std::int64_t id = 1; id <= 5; ++id) {
            meter.begin(id, 0);
        }
        for (std::int64_t id = 1; id <= 5; ++id) {
            meter.end(id, true, 10);
        }
        EXPECT_EQ(wire.rate(counted).has_value(), true) << allowed << ": " << wire.to_text();
    }
}

}  // namespace
}  // namespace lineside::core
