// SPDX-License-Identifier: Apache-2.0
#include "station/records/slot_health.h"

#include "station/records/attempts_fixture.h"

namespace lineside::records {
namespace {

using base::Json;

class SlotHealthTest : public AttemptsTest {
  protected:
    Json health(const std::string& slot) {
        db::Tx tx(connection.get());
        const auto got = slot_health(tx, {0, 8 * kHour, "", ""}, {"1", "2", "9"});
        EXPECT_TRUE(got) << got.error().message;
        for (const Json& each : (*got)["slots"]) {
            if (each["slot"] == slot) {
                return each;
            }
        }
        return {};
    }
    std::size_t judged_by(int ended, std::int64_t now = 9 * kHour) {
        db::Tx tx(connection.get());
        const auto got = attempts_before(tx, ended, now);
        EXPECT_TRUE(got) << got.error().message;
        return got ? got->size() : 0;
    }
};

TEST_F(SlotHealthTest, Faults_say_whom_they_follow_with_counts) {
    for (int i = 0; i < 20; ++i) {
        attempt(100 + i, i % 2 == 0 ? "1" : "2", "PASS", 1);
    }
    for (int i = 1; i <= 4; ++i) {
        attempt(i, "3", "ERROR", 2, "usb.link");
    }
    attempt(1, "1", "PASS", 3);
    attempt(50, "1", "FAIL", 3, "boot.none");
    attempt(50, "2", "FAIL", 4, "boot.none");
    const Json third = health("3");
    EXPECT_EQ(third["attempts"], 4);
    EXPECT_EQ(third["problems"], 4);
    EXPECT_EQ(third["beyond_chance"], true);
    ASSERT_EQ(third["faults"].size(), 1U);
    EXPECT_EQ(third["faults"][0]["follows"], "slot");
    EXPECT_EQ(third["faults"][0]["display_code"], "E02");
    EXPECT_EQ(third["faults"][0]["units"], 4);
    EXPECT_EQ(third["faults"][0]["passed_elsewhere"], 1);
    EXPECT_EQ(health("1")["faults"][0]["follows"], "unit");
    EXPECT_EQ(health("1")["faults"][0]["units_elsewhere"], 1);
    EXPECT_EQ(health("9")["attempts"], 0) << "a slot of the wall is there without attempts, too";
    EXPECT_EQ(health("9")["closed"], nullptr);
}

TEST_F(SlotHealthTest, Closings_newest_first_and_the_live_one) {
    run("INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('1', 5, 'station', "
        "'E02, 3 of 3 here')");
    EXPECT_EQ(health("1")["closed"]["reason"], "E02, 3 of 3 here");
    run("UPDATE slot_closing SET reopened_ms = 7, reopened_by = 'tomas', reopen_reason = 'cable'");
    EXPECT_EQ(health("1")["closed"], nullptr);
    EXPECT_EQ(health("1")["closings"][0]["reopen_reason"], "cable");
    run("INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('1', 9, 'tomas', "
        "'wet')");
    EXPECT_EQ(health("1")["closings"][0]["by"], "tomas");
    EXPECT_EQ(health("1")["closings"].size(), 2U);
}

TEST_F(SlotHealthTest, Judged_by_the_same_image_the_last_day_and_since_the_reopening) {
    began = 5;
    image = "other";
    attempt(1, "1", "PASS", 6);
    image = "img";
    attempt(5, "1", "PASS", 6);
    attempt(2, "3", "ERROR", 6, "usb.link");
    const int last = attempt(3, "3", "ERROR", 7, "usb.link");
    EXPECT_EQ(judged_by(last), 3U);
    EXPECT_EQ(judged_by(last, 28 * kHour), 3U);
    EXPECT_EQ(judged_by(last, 30 * kHour), 0U);
    run("INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES ('3', 5, 'a', 'b')");
    run("UPDATE slot_closing SET reopened_ms = " + std::to_string(6 * kHour) +
        ", reopened_by = 'a', reopen_reason = 'b'");
    began = 7;
    EXPECT_EQ(judged_by(attempt(4, "3", "ERROR", 8, "usb.link")), 2U) << "slot 1 was not reopened";
}

}  // namespace
}  // namespace lineside::records
