// SPDX-License-Identifier: Apache-2.0
#include "station/core/pace.h"

#include <gtest/gtest.h>

namespace lineside::core {
namespace {

// A flash as it is: slow to 40 % (QSPI), fast to 90 % (APP), a wait at its end.
PaceRun flash(std::int64_t times = 1) {
    PaceRun run;
    for (int percent = 1; percent <= 40; ++percent) {
        run.reached(percent, times * percent * 4'000);  // 160 s
    }
    for (int percent = 41; percent <= 90; ++percent) {
        run.reached(percent, times * (160'000 + (percent - 40) * 1'000));  // 50 s
    }
    run.ended(times * 240'000);
    return run;
}

TEST(Pace, Of_a_step_that_never_ended_nothing_is_known) {
    Pace pace;
    PaceRun run;
    run.reached(60, 60'000);
    pace.learn(run);
    EXPECT_FALSE(pace.known());
    EXPECT_FALSE(pace.left_s(run, 60'000));
}

TEST(Pace, The_rest_is_as_long_as_it_was_and_not_as_the_pace_so_far) {
    Pace pace;
    pace.learn(flash());
    PaceRun run;
    EXPECT_EQ(pace.left_s(run, 0), 240) << "before the tool says anything";
    EXPECT_EQ(pace.left_s(run, 3'000), 237);
    run.reached(40, 160'000);
    EXPECT_EQ(pace.left_s(run, 160'000), 80) << "the pace so far would say 240";
    run.reached(90, 210'000);
    EXPECT_EQ(pace.left_s(run, 225'000), 15) << "it goes on within a percent";
    EXPECT_EQ(pace.left_s(run, 260'000), 1) << "and never says 0 before the end";
    run.ended(261'000);
    EXPECT_FALSE(pace.left_s(run, 261'000));
}

TEST(Pace, A_slow_unit_stays_slow) {
    Pace pace;
    pace.learn(flash());
    PaceRun run;
    run.reached(40, 320'000);
    EXPECT_EQ(pace.left_s(run, 320'000), 160);
    PaceRun odd;
    odd.reached(40, 10'000'000);
    EXPECT_EQ(pace.left_s(odd, 10'000'000), 240) << "three times at most";
    EXPECT_FALSE(pace.left_s(odd, 12'000'000)) << "it does not go on as the others did";
}

TEST(Pace, What_is_new_is_known_after_a_few_runs) {
    Pace pace;
    for (int run = 0; run < 20; ++run) {
        pace.learn(flash());
    }
    pace.learn(flash(2));
    EXPECT_EQ(pace.left_s({}, 0), 288);
    for (int run = 0; run < 10; ++run) {
        pace.learn(flash(2));
    }
    EXPECT_NEAR(*pace.left_s({}, 0), 480, 25);
}

TEST(Pace, A_step_without_percents_has_its_time_all_the_same) {
    Pace pace;
    PaceRun run;
    run.ended(30'000);
    pace.learn(run);
    EXPECT_EQ(pace.left_s({}, 12'000), 18);
}

TEST(Pace, Is_kept_as_text) {
    Pace pace;
    pace.learn(flash());
    const auto read = Pace::from_text(pace.to_text());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->to_text(), pace.to_text());
    const std::string good = pace.to_text();
    for (const std::string& bad :
         {std::string(), std::string("1"), std::string("x ") + good, "0" + good.substr(1),
          "9" + good.substr(1), good + ",1", good + "x", good.substr(0, good.rfind(',')),
          "1 -1" + good.substr(3), "1 900000" + good.substr(3)}) {
        EXPECT_FALSE(Pace::from_text(bad)) << bad.substr(0, 20);
    }
}

}  // namespace
}  // namespace lineside::core
