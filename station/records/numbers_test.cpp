// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"

#include "station/records/attempts_fixture.h"
#include "station/records/day_so_far.h"
#include "station/records/shift.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace lineside::records {
namespace {

using base::Json;

class NumbersTest : public AttemptsTest {
  protected:
    Json ask(std::int64_t since = 0, std::int64_t until = 8 * kHour,
             const std::string& order = "") {
        db::Tx tx(connection.get());
        const auto got = numbers(tx, {since, until, order, "", shift_sql});
        EXPECT_TRUE(got) << got.error().message;
        return got ? *got : Json();
    }
    std::string shift_sql;
};

TEST_F(NumbersTest, A_shift_counts_what_ended_in_it) {
    attempt(1, "1", "PASS", 5.5);
    attempt(2, "2", "PASS", 6.5);
    attempt(3, "3", "FAIL", 7.0, "boot.none");
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const Shifts shifts = default_shifts();
    shift_sql = shift_condition(shifts, shifts[0], "j.ended_ms");
    EXPECT_EQ(ask()["sums"]["attempts"], 2);
    shift_sql = shift_condition(shifts, shifts[2], "j.ended_ms");
    EXPECT_EQ(ask()["sums"]["made"], 1);
    ::unsetenv("TZ");
    ::tzset();
}

TEST_F(NumbersTest, First_pass_counts_a_units_first_judgement_and_no_station_problem) {
    attempt(1, "1", "PASS", 0.5);
    attempt(2, "2", "ERROR", 0.6, "usb.left");  // not judged
    attempt(2, "2", "PASS", 0.7);               // so this is its first judgement
    attempt(3, "3", "FAIL", 1.2, "boot.none");
    attempt(3, "3", "PASS", 1.4);  // passed, but not at first
    attempt(4, "4", "FAIL", 2.0, "boot.none");
    attempt(5, "5", "ABORTED", 2.0, "operator.stopped");
    attempt(1, "1", "PASS", 3.0);  // rework of a unit that passed: no second first time
    const Json got = ask();
    EXPECT_EQ(got["sums"],
              (Json{{"made", 3},
                    {"attempts", 8},
                    {"at_work_s", 3 * 3600},
                    {"outcomes", {{"PASS", 4}, {"FAIL", 2}, {"ERROR", 1}, {"ABORTED", 1}}},
                    {"first_judged", 4},
                    {"first_passed", 2},
                    {"failed_units", 2},
                    {"passed_after_fail", 1}}));
    ASSERT_EQ(got["hours"].size(), 8U);
    EXPECT_EQ(got["hours"][0],
              (Json{{"at", 0}, {"made", 2}, {"first_judged", 2}, {"first_passed", 2}}));
    EXPECT_EQ(got["hours"][1],
              (Json{{"at", kHour}, {"made", 1}, {"first_judged", 1}, {"first_passed", 0}}));
    ASSERT_EQ(got["codes"].size(), 2U);
    EXPECT_EQ(got["codes"][0]["display_code"], "F12");
    EXPECT_EQ(got["codes"][0]["cases"], 2);
    // What came before the stretch of time still makes a unit's first judgement.
    EXPECT_EQ(ask(static_cast<std::int64_t>(1.3 * kHour), 8 * kHour)["sums"]["first_judged"], 1);
    EXPECT_EQ(ask(0, static_cast<std::int64_t>(0.7 * kHour))["sums"]["attempts"], 2)
        << "the end is not in it";
}

TEST_F(NumbersTest, At_work_is_without_breaks) {
    const auto add = [&](int unit, double from, double to) {
        began = from;
        attempt(unit, std::to_string(unit), "PASS", to);
    };
    const auto at_work = [&](double since, double until) {
        return ask(static_cast<std::int64_t>(since * kHour),
                   static_cast<std::int64_t>(until * kHour))["sums"]["at_work_s"];
    };
    EXPECT_EQ(at_work(0, 8), 0);
    add(1, 1, 2);
    add(2, 1.5, 2.5);
    EXPECT_EQ(at_work(0, 8), 1.5 * 3600) << "two at once are one time";
    add(3, 2.6, 3);
    EXPECT_EQ(at_work(0, 8), 2 * 3600) << "six minutes for the next unit";
    add(4, 4, 5);
    EXPECT_EQ(at_work(0, 8), 3 * 3600) << "an hour of break";
    EXPECT_EQ(at_work(4.5, 8), 0.5 * 3600) << "what was before is not of it";
}

TEST_F(NumbersTest, Orders_apart) {
    attempt(1, "1", "PASS", 0.5);
    attempt(2, "2", "PASS", 0.5, "", 2);
    EXPECT_EQ(ask()["sums"]["made"], 2);
    EXPECT_EQ(ask(0, kHour, "o2")["sums"]["made"], 1);
    EXPECT_EQ(ask(0, kHour, "none")["sums"]["made"], 0);
}

TEST_F(NumbersTest, A_fault_that_follows_its_slot_is_told_from_one_that_follows_its_unit) {
    int unit = 0;
    for (int slot = 1; slot <= 8; ++slot) {
        for (int i = 0; i < 20; ++i) {
            attempt(++unit, std::to_string(slot), "PASS", 1);
        }
    }
    for (int i = 0; i < 6; ++i) {
        attempt(500 + i, "7", "ERROR", 2, "usb.left");
        if (i < 4) {
            attempt(500 + i, "3", "PASS", 3);
        }
    }
    attempt(600, "1", "FAIL", 2, "boot.none");
    attempt(600, "2", "FAIL", 3, "boot.none");
    const Json got = ask();
    EXPECT_EQ(
        got["codes"][0]["follows"],
        (Json{
            {"what", "slot"}, {"slot", "7"}, {"cases", 6}, {"units", 6}, {"passed_elsewhere", 4}}));
    EXPECT_EQ(got["codes"][1]["follows"], (Json{{"what", "unit"}, {"units", 1}, {"slots", 2}}));
    for (const Json& slot : got["slots"]) {
        EXPECT_EQ(slot["beyond_chance"], slot["slot"] == "7") << slot;
    }
}

TEST_F(NumbersTest, Times_are_of_passed_attempts_in_the_order_of_the_steps) {
    for (int i = 1; i <= 10; ++i) {
        const int of = attempt(i, "1", "PASS", 1);
        step(of, 0, "flash", 100 + i);
        step(of, 1, "boot", 20);
    }
    const int bad = attempt(99, "1", "FAIL", 1, "boot.none");
    step(bad, 0, "flash", 9000);
    const Json times = ask()["times"];
    EXPECT_EQ(times["timed"], 10);
    ASSERT_EQ(times["steps"].size(), 2U);
    EXPECT_EQ(times["steps"][0]["name"], "flash");
    EXPECT_EQ(times["steps"][0]["median_s"], 106);
    EXPECT_EQ(times["steps"][0]["p90_s"], 110);
    EXPECT_EQ(times["steps"][1]["median_s"], 20);
    for (const Json& one : times["steps"]) {
        std::int64_t sum = 0;
        for (const Json& bin : one["bins"]) {
            sum += bin.get<std::int64_t>();
        }
        EXPECT_EQ(sum, 10);
        EXPECT_EQ(one["bins"].size(), 61U);
    }
}

TEST_F(NumbersTest, Nothing_judged_is_nothing_and_a_wrong_time_is_told) {
    const Json got = ask();
    EXPECT_EQ(got["sums"]["made"], 0);
    EXPECT_EQ(got["codes"], Json::array());
    db::Tx tx(connection.get());
    EXPECT_EQ(numbers(tx, {5, 5, "", "", ""}).error().code, "request.invalid");
    EXPECT_EQ(numbers(tx, {0, kLongestMs + 1, "", "", ""}).error().code, "request.invalid");
}

// Times in hours, midnight at 24.
TEST_F(NumbersTest, Day_so_far_counts_from_midnight_and_paces_by_the_last_hour) {
    const auto day = [&](double now) {
        db::Tx tx(connection.get());
        return day_so_far(tx, 24 * kHour, static_cast<std::int64_t>(now * kHour)).value();
    };
    const auto add = [&](int unit, double from, double to, const std::string& outcome) {
        began = from;
        attempt(unit, std::to_string(unit), outcome, to, outcome == "PASS" ? "" : "x");
    };
    EXPECT_EQ(day(30).made, 0);
    EXPECT_FALSE(day(30).takt_s);
    add(1, 23.5, 23.9, "PASS");   // yesterday's
    add(2, 23.8, 24.2, "FAIL");   // began yesterday
    add(2, 24.3, 24.6, "PASS");   // after rework: no first pass
    add(3, 24.3, 24.7, "ERROR");  // not judged
    add(3, 24.7, 25.0, "PASS");
    add(4, 25.0, 25.5, "PASS");
    add(4, 25.6, 25.8, "PASS");  // made again, one unit all the same
    const auto all = day(26);
    EXPECT_EQ(all.made, 3);
    EXPECT_EQ(all.first_judged, 3);
    EXPECT_EQ(all.first_passed, 2);
    EXPECT_DOUBLE_EQ(*all.takt_s, 1200) << "three in the last hour";
    EXPECT_FALSE(day(27).takt_s);
    EXPECT_EQ(day(27).made, 3);
    add(5, 29.5, 29.7, "PASS");
    add(6, 29.5, 29.9, "PASS");
    EXPECT_DOUBLE_EQ(*day(30).takt_s, 900) << "a line that began half an hour ago";
}

TEST(DaySoFar, Midnight_is_that_of_the_hosts_clock) {
    const std::int64_t now = 1'790'000'000'000;
    const auto at = local_midnight_ms(now);
    EXPECT_LE(at, now);
    EXPECT_GT(at, now - 25 * kHour);
    EXPECT_EQ(local_midnight_ms(at), at);
    EXPECT_LT(local_midnight_ms(at - 1), at);
}

}  // namespace
}  // namespace lineside::records
