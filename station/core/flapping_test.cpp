// SPDX-License-Identifier: Apache-2.0
#include "station/core/flapping.h"

#include <gtest/gtest.h>

namespace lineside::core {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Flapping, Six_times_within_a_minute_is_told_with_the_time_it_took) {
    FlapCount count;
    for (int i = 0; i < 5; ++i) {
        count.left(i * 10 * kSecond);
        EXPECT_FALSE(count.judge(i * 10 * kSecond));
    }
    count.left(50 * kSecond);
    const auto found = count.judge(51 * kSecond + 1);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->times, 6);
    EXPECT_EQ(found->seconds, 52);
    EXPECT_TRUE(count.judge(60 * kSecond));
    EXPECT_FALSE(count.judge(60 * kSecond + 1)) << "the first was more than a minute ago";
}

TEST(Flapping, Slower_than_that_is_none_however_long_it_lasts) {
    FlapCount count;
    for (int i = 0; i < 100; ++i) {
        count.left(i * 13 * kSecond);
        EXPECT_FALSE(count.judge(i * 13 * kSecond)) << i;
    }
}

TEST(Flapping, What_is_explained_afterwards_no_longer_counts) {
    FlapCount count;
    for (int i = 0; i < 6; ++i) {
        count.left(i * kSecond);
    }
    count.explained(5 * kSecond);
    EXPECT_FALSE(count.judge(6 * kSecond));
    count.left(7 * kSecond);
    EXPECT_TRUE(count.judge(7 * kSecond)) << "the five before still do";
    count.clear();
    EXPECT_FALSE(count.judge(7 * kSecond));
}

}  // namespace
}  // namespace lineside::core
