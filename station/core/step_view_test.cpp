// SPDX-License-Identifier: Apache-2.0
#include "station/core/step_view.h"

#include <gtest/gtest.h>

namespace lineside::core {

TEST(StepProgress, Phases_weigh_against_each_other_and_it_never_goes_back) {
    StepProgress step;
    EXPECT_TRUE(step.progress(1, 10)) << "without a phase it is all there is";
    EXPECT_EQ(step.percent(), 10);
    step = {};
    step.phase(30);
    EXPECT_TRUE(step.progress(1, 2));
    EXPECT_EQ(step.percent(), 15);
    EXPECT_FALSE(step.progress(1, 4));
    EXPECT_FALSE(step.progress(5, 0)) << "unknown length";
    step.phase(70);
    EXPECT_TRUE(step.progress(9, 7)) << "more than all is all";
    EXPECT_EQ(step.percent(), 100);
}

TEST(StepProgress, Time_left_is_by_the_pace_so_far) {
    StepProgress step;
    step.progress(4, 100);
    EXPECT_FALSE(step.time_left_s(60'000'000'000)) << "too early";
    step.progress(25, 100);
    EXPECT_FALSE(step.time_left_s(900'000'000));
    EXPECT_EQ(step.time_left_s(60'000'000'000), 180);
    step.progress(100, 100);
    EXPECT_FALSE(step.time_left_s(60'000'000'000));
}

TEST(StepView, What_is_said_of_a_unit_that_left_is_no_news_of_it) {
    const auto error = base::make_error("ssh.lost", "gone");
    EXPECT_EQ(seen_at_port(error, true, false).code, "ssh.lost");
    EXPECT_EQ(seen_at_port(error, false, false).code, "ssh.lost") << "it had said so";
    EXPECT_EQ(seen_at_port(error, false, true).code, "usb.left");
    const auto tool = seen_at_port(base::make_error("tool.failed", "x"), false, false);
    EXPECT_EQ(tool.code, "usb.left");
    EXPECT_FALSE(tool.retry);
}

}  // namespace lineside::core
