// SPDX-License-Identifier: Apache-2.0
#include "station/core/wall.h"

#include <gtest/gtest.h>

namespace lineside::core {
namespace {

SlotFacts verdict_of(Outcome outcome, std::string code, bool present) {
    SlotFacts f;
    f.slot = "3";
    f.has_job = true;
    f.state = JobState::closed;
    f.outcome = outcome;
    f.code = std::move(code);
    f.present = present;
    f.presence = present ? Presence::recovery : Presence::empty;
    return f;
}

}  // namespace

TEST(Wall, Empty_slot_says_what_to_do) {
    const auto t = tile(SlotFacts{});
    EXPECT_EQ(t["state"], "empty");
    EXPECT_EQ(t["reason"], "Plug in a unit");
    EXPECT_EQ(t["ack"], "none");
}

TEST(Wall, Pass_asks_to_take_out_and_then_to_acknowledge) {
    auto t = tile(verdict_of(Outcome::pass, "", true));
    EXPECT_EQ(t["word"], "PASS");
    EXPECT_EQ(t["action"], "Take out");
    EXPECT_EQ(t["ack"], "when_unplugged");
    EXPECT_TRUE(t["press"].is_null());
    t = tile(verdict_of(Outcome::pass, "", false));
    EXPECT_EQ(t["action"], "Press OK");
    EXPECT_EQ(t["press"], "acknowledge");
}

TEST(Wall, The_unit_behind_a_failed_one_waits_for_a_press_that_is_there) {
    auto facts = verdict_of(Outcome::fail, "step.set-nvme", true);
    facts.hold =
        Hold::acknowledge_first;  // so the judged unit is out, what is plugged in is another
    facts.hold_reason = "Slot 3: acknowledge the failed unit first";
    const auto t = tile(facts);
    EXPECT_EQ(t["word"], "FAIL");
    EXPECT_EQ(t["note"], "Slot 3: acknowledge the failed unit first");
    EXPECT_EQ(t["ack"], "ready");
    EXPECT_EQ(t["press"], "acknowledge");
    EXPECT_EQ(t["button"], "Done");
    EXPECT_EQ(t["action"], "Press Done");
    EXPECT_EQ(t["retry"], false) << "it would be the next unit's attempt";
}

TEST(Wall, Fail_blames_the_unit_and_error_does_not) {
    auto t = tile(verdict_of(Outcome::fail, "boot.none", true));
    EXPECT_EQ(t["display_code"], "F12");
    EXPECT_EQ(t["action"], "Put in repair bin");
    EXPECT_EQ(t["tone"], "fill-red");
    t = tile(verdict_of(Outcome::error, "worker.died", true));
    EXPECT_EQ(t["word"], "STATION PROBLEM");
    EXPECT_EQ(t["retry"], true);
}

TEST(Wall, A_time_out_is_a_code_of_error_and_reads_timed_out) {
    const auto t = tile(verdict_of(Outcome::error, "tool.silence", true));
    EXPECT_EQ(t["word"], "TIMED OUT");
    EXPECT_EQ(t["outcome"], "ERROR");
}

TEST(Wall, A_permanent_failure_offers_no_retry) {
    EXPECT_EQ(tile(verdict_of(Outcome::error, "order.wrong_model", true))["retry"], false);
}

TEST(Wall, Leave_plugged_in_while_the_unit_restarts) {
    SlotFacts f;
    f.has_job = true;
    f.state = JobState::awaiting_boot;
    EXPECT_EQ(tile(f)["action"], "Leave plugged in");
    f.state = JobState::provisioning;
    f.away = true;
    EXPECT_EQ(tile(f)["state"], "restarting");
}

TEST(Wall, A_unit_that_is_switched_is_restarting_and_a_person_is_told_to) {
    SlotFacts f;
    f.has_job = true;
    f.present = true;
    f.state = JobState::flashing;
    f.power_cycle = true;
    EXPECT_EQ(tile(f)["state"], "restarting");
    EXPECT_EQ(tile(f)["ack"], "none");
    f.switch_by_hand = true;
    EXPECT_EQ(tile(f)["state"], "needs_operator");
    EXPECT_EQ(tile(f)["action"], "Switch off and on");
    EXPECT_EQ(tile(f)["ack"], "when_unplugged");
    EXPECT_TRUE(tile(f)["press"].is_null());
    f.power_left = true;
    f.present = false;
    EXPECT_EQ(tile(f)["press"], "acknowledge");
    EXPECT_EQ(tile(f)["button"], "Done");
    f.outcome = Outcome::error;
    f.code = "power.no_return";
    EXPECT_EQ(tile(f)["state"], "error");
}

TEST(Wall, Chip_check_belongs_to_a_job) {
    SlotFacts f;
    f.chip_check = "before_write";
    EXPECT_TRUE(tile(f)["chip_check"].is_null());
    f.has_job = true;
    f.state = JobState::flashing;
    EXPECT_EQ(tile(f)["chip_check"], "before_write");
    f.chip_check.clear();
    EXPECT_TRUE(tile(f)["chip_check"].is_null());
}

TEST(Wall, A_unit_at_an_unknown_port_shows_up) {
    SlotFacts f;
    f.mapped = false;
    f.present = true;
    EXPECT_EQ(tile(f)["state"], "unmapped");
}

TEST(Wall, Ordinals_read_as_people_say_them) {
    SlotFacts f;
    f.has_job = true;
    f.state = JobState::queued;
    for (const auto& [n, text] : std::map<int, std::string>{{1, "1st in line"},
                                                            {2, "2nd in line"},
                                                            {3, "3rd in line"},
                                                            {11, "11th in line"},
                                                            {22, "22nd in line"}}) {
        f.position_in_line = n;
        EXPECT_EQ(tile(f)["fact"], text);
    }
}

}  // namespace lineside::core
