// SPDX-License-Identifier: Apache-2.0
#include "station/core/slot_trouble.h"

#include <gtest/gtest.h>

#include <deque>

namespace lineside::core {
namespace {

// A line's attempts, told oldest first as they happen.
class SlotTroubleTest : public ::testing::Test {
  protected:
    void ended(const std::string& slot, Outcome outcome, const std::string& code = "",
               std::int64_t unit = 0, bool chip_known = true) {
        all.push_front({unit == 0 ? ++units : unit, chip_known, slot, outcome, code});
    }
    void pass(const std::string& slot, int times = 1) {
        for (int i = 0; i < times; ++i) {
            ended(slot, Outcome::pass);
        }
    }
    void error(const std::string& slot, const std::string& code, int times = 1) {
        for (int i = 0; i < times; ++i) {
            ended(slot, Outcome::error, code);
        }
    }
    std::optional<SlotTrouble> trouble(const std::string& slot) {
        Attempts list;
        for (const EndedAttempt& each : all) {
            list.push_back(&each);
        }
        return slot_trouble(slot, list);
    }
    std::deque<EndedAttempt> all;
    std::int64_t units = 1000;
};

TEST_F(SlotTroubleTest, Three_units_in_a_row_that_others_do_not_share_close_with_their_counts) {
    pass("3", 2);
    pass("1", 10);
    pass("2", 10);
    error("2", "usb.link");
    error("3", "usb.link");
    error("3", "usb.left");
    EXPECT_FALSE(trouble("3"));
    error("3", "usb.no_device");
    const auto found = trouble("3");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->code, "usb.no_device");
    EXPECT_EQ(found->in_a_row, 3);
    EXPECT_EQ(found->units, 3);
    EXPECT_EQ(found->cases, 3);
    EXPECT_EQ(found->attempts, 5);
    EXPECT_EQ(found->other_cases, 1);
    EXPECT_EQ(found->other_attempts, 21);
    EXPECT_EQ(found->other_passed, 20);
    EXPECT_FALSE(trouble("2"));
}

TEST_F(SlotTroubleTest, All_slots_that_fail_alike_close_none) {
    pass("4", 5);
    for (int round = 0; round < 8; ++round) {
        for (const char* slot : {"1", "2", "3", "4"}) {
            ended(slot, Outcome::fail, "boot.none");
            EXPECT_FALSE(trouble(slot)) << slot << " in round " << round;
        }
    }
}

TEST_F(SlotTroubleTest, The_first_slot_to_try_a_bad_image_is_not_closed) {
    for (int round = 0; round < 20; ++round) {  // the others have not ended one with it yet
        ended("1", Outcome::fail, "boot.none");
        EXPECT_FALSE(trouble("1")) << round;
    }
}

TEST_F(SlotTroubleTest, A_fault_that_is_common_everywhere_needs_a_longer_run) {
    for (int i = 0; i < 40; ++i) {
        pass(i % 2 == 0 ? "1" : "2", 4);
        ended(i % 2 == 0 ? "1" : "2", Outcome::fail, "step.camera");
    }
    for (int i = 0; i < 5; ++i) {  // one in five has it
        ended("3", Outcome::fail, "step.camera");
        EXPECT_FALSE(trouble("3")) << i;
    }
    ended("3", Outcome::fail, "step.camera");
    ended("3", Outcome::fail, "step.camera");
    EXPECT_TRUE(trouble("3"));
}

TEST_F(SlotTroubleTest, One_unit_tried_again_and_again_is_one_unit) {
    pass("1", 20);
    for (int i = 0; i < 9; ++i) {
        ended("3", Outcome::error, "usb.link", 7);
        EXPECT_FALSE(trouble("3"));
    }
}

TEST_F(SlotTroubleTest, Units_without_a_chip_id_may_be_one_unit_so_more_are_needed) {
    pass("1", 30);
    for (int i = 0; i < 4; ++i) {
        ended("3", Outcome::error, "usb.link", 0, false);
        EXPECT_FALSE(trouble("3"));
    }
    ended("3", Outcome::error, "usb.link", 0, false);
    EXPECT_TRUE(trouble("3"));
}

TEST_F(SlotTroubleTest, A_unit_that_takes_the_fault_along_is_not_the_slots) {
    pass("1", 20);
    ended("2", Outcome::fail, "boot.none", 7);
    ended("3", Outcome::fail, "boot.none", 7);
    ended("3", Outcome::fail, "boot.none", 8);
    ended("3", Outcome::fail, "boot.none", 9);
    EXPECT_FALSE(trouble("3"));
    ended("3", Outcome::fail, "boot.none", 10);
    ASSERT_TRUE(trouble("3"));
    EXPECT_EQ(trouble("3")->in_a_row, 3);
    EXPECT_EQ(trouble("3")->other_cases, 1);
}

TEST_F(SlotTroubleTest, A_pass_or_another_fault_between_ends_the_run) {
    pass("1", 20);
    error("3", "usb.link", 2);
    pass("3");
    error("3", "usb.link");
    EXPECT_FALSE(trouble("3"));
    error("3", "tool.silence");
    error("3", "usb.link");
    EXPECT_FALSE(trouble("3"));
}

TEST_F(SlotTroubleTest, What_says_nothing_about_a_slot_neither_counts_nor_ends_a_run) {
    pass("1", 20);
    error("3", "usb.link", 2);
    error("3", "pool.empty");
    ended("3", Outcome::aborted, "operator.stopped");
    EXPECT_FALSE(trouble("3"));
    error("3", "usb.link");
    ASSERT_TRUE(trouble("3"));
    EXPECT_EQ(trouble("3")->attempts, 4);
    for (int i = 0; i < 6; ++i) {
        error("2", "unit.known");
        EXPECT_FALSE(trouble("2"));
    }
}

TEST_F(SlotTroubleTest, Others_that_do_not_pass_prove_nothing) {
    for (int i = 0; i < 30; ++i) {
        ended("1", Outcome::fail, "serial.mismatch");
    }
    error("3", "usb.link", 4);
    EXPECT_FALSE(trouble("3"));
}

TEST_F(SlotTroubleTest, Units_that_passed_in_another_slot_are_counted) {
    pass("1", 20);
    ended("3", Outcome::error, "usb.link", 7);
    ended("2", Outcome::pass, "", 7);
    error("3", "usb.link", 2);
    ASSERT_TRUE(trouble("3"));
    EXPECT_EQ(trouble("3")->passed_elsewhere, 1);
}

TEST(BeyondChance, Says_so_only_when_it_is) {
    EXPECT_FALSE(beyond_chance(2, 2, 2, 200, 16)) << "two cases prove nothing";
    EXPECT_TRUE(beyond_chance(6, 22, 17, 347, 16));
    EXPECT_FALSE(beyond_chance(3, 22, 17, 347, 16));
    EXPECT_FALSE(beyond_chance(20, 22, 320, 352, 16)) << "all are as bad";
    EXPECT_FALSE(beyond_chance(5, 5, 5, 5, 1)) << "nothing to compare with";
    EXPECT_FALSE(beyond_chance(22, 22, 352, 352, 16));
    EXPECT_TRUE(beyond_chance(4, 20, 4, 320, 16));
}

}  // namespace
}  // namespace lineside::core
