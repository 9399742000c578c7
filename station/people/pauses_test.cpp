// SPDX-License-Identifier: Apache-2.0
#include "station/people/pauses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace lineside::people {
namespace {

TEST(Pauses, Grow_after_the_free_tries_and_end_at_a_quarter_of_an_hour) {
    Pauses pauses(3);
    std::int64_t now = 1'000'000;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(pauses.tries_left("ana", now), 3 - i);
        pauses.failed("ana", now);
        EXPECT_EQ(pauses.wait_ms("ana", now), 0);
    }
    std::int64_t expected = 1'000;
    for (int i = 0; i < 15; ++i) {
        pauses.failed("ana", now);
        EXPECT_EQ(pauses.wait_ms("ana", now), expected);
        EXPECT_EQ(pauses.wait_ms("ana", now + expected), 0);
        expected = std::min<std::int64_t>(expected * 2, 900'000);
        now += 1;
    }
    EXPECT_EQ(pauses.wait_ms("bob", now), 0);
}

TEST(Pauses, Success_and_a_quiet_day_forget) {
    Pauses pauses(1);
    pauses.failed("ana", 0);
    pauses.failed("ana", 0);
    pauses.failed("ana", 0);
    EXPECT_EQ(pauses.wait_ms("ana", 0), 2'000);
    pauses.good("ana");
    EXPECT_EQ(pauses.wait_ms("ana", 0), 0);
    pauses.failed("ana", 0);
    pauses.failed("ana", 0);
    EXPECT_EQ(pauses.tries_left("ana", 25 * 3'600'000), 1);
}

TEST(Pauses, Many_names_cost_bounded_memory_and_do_not_free_who_waits_longest) {
    Pauses pauses(0);
    for (int i = 0; i < 12; ++i) {
        pauses.failed("guesser", 0);
    }
    for (std::size_t i = 0; i < 3 * Pauses::kMost; ++i) {
        pauses.failed("name " + std::to_string(i), 0);
    }
    EXPECT_EQ(pauses.wait_ms("guesser", 0), 900'000);
}

}  // namespace
}  // namespace lineside::people
