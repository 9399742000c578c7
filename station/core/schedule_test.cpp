// SPDX-License-Identifier: Apache-2.0
#include "station/core/schedule.h"

#include <gtest/gtest.h>

namespace lineside::core {

TEST(Schedule, First_come_first_served_within_the_limit) {
    EXPECT_EQ(admit({{"1", "a"}, {"2", "a"}, {"3", "b"}}, {}, {2, 16}),
              (std::vector<std::string>{"1", "2"}));
}

TEST(Schedule, A_full_root_port_does_not_hold_up_the_others) {
    EXPECT_EQ(admit({{"1", "a"}, {"2", "b"}}, {"a", "a"}, {8, 2}), (std::vector<std::string>{"2"}));
}

TEST(Schedule, Nobody_starts_when_the_host_is_full) {
    EXPECT_TRUE(admit({{"1", "a"}}, {"b", "c"}, {2, 2}).empty());
}

}  // namespace lineside::core
