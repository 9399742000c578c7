// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"

#include "station/db/connection.h"
#include "station/db/file_fixture.h"
#include "station/db/store.h"
#include "station/records/day_so_far.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lineside::records {
namespace {

using base::Json;

constexpr std::int64_t kHour = 3'600'000;

class NumbersTest : public db::FileTest {
  protected:
    void SetUp() override {
        db::FileTest::SetUp();
        db::Store::open(loop, file).value().reset();
        connection = std::move(db::open_connection(file, db::Access::write).value());
        // What a PASS must have is another test's matter.
        run("DROP TRIGGER job_pass_is_proven");
        run("INSERT INTO pool (id, name) VALUES (1, 'p')");
        run("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by) VALUES (1, 'o1', 'pr', 'nx', 1, 5, 'open', 0, 'x'), (2, 'o2', 'pr', 'nx', "
            "1, 5, 'open', 0, 'x')");
    }
    void TearDown() override {
        connection.reset();
        db::FileTest::TearDown();
    }
    void run(const std::string& sql) {
        const auto ran = db::execute(connection.get(), sql.c_str(), sql);
        ASSERT_TRUE(ran) << ran.error().message;
    }
    // Returns the job's number.
    int attempt(int unit, const std::string& slot, const std::string& outcome, double hour,
                const std::string& code = "", int order = 1) {
        ++job;
        run(
            fmt::format("INSERT OR IGNORE INTO unit (id, model, first_ms) SELECT {0}, 'nx', 0 "
                        "WHERE NOT EXISTS (SELECT 1 FROM unit WHERE id = {0})",
                        unit));
        run(fmt::format(
            "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, "
            "image_key, actor, started_ms, started_mono_ns, boot) VALUES ({}, {}, {}, "
            "'{}', 'x', 1, 1, 's', 'img', 'a', {}, 0, 'b')",
            job, unit, order, slot, static_cast<std::int64_t>(began * kHour)));
        run(
            fmt::format("UPDATE job SET outcome = '{}', code = nullif('{}', ''), ended_ms = {} "
                        "WHERE id = {}",
                        outcome, code, static_cast<std::int64_t>(hour * kHour), job));
        return job;
    }
    void step(int of, int index, const std::string& name, double seconds) {
        run(
            fmt::format("INSERT INTO step (job_id, idx, name, method, attempt, started_ms, "
                        "ended_ms, outcome) VALUES ({}, {}, '{}', 'm', 1, 0, {}, 'ok')",
                        of, index, name, static_cast<std::int64_t>(seconds * 1000)));
    }
    Json ask(std::int64_t since = 0, std::int64_t until = 8 * kHour,
             const std::string& order = "") {
        db::Tx tx(connection.get());
        const auto got = numbers(tx, {since, until, order, ""});
        EXPECT_TRUE(got) << got.error().message;
        return got ? *got : Json();
    }
    db::Connection connection;
    int job = 0;
    double began = 0;  // hour in which the next attempt begins
};

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
    EXPECT_EQ(numbers(tx, {5, 5, "", ""}).error().code, "request.invalid");
    EXPECT_EQ(numbers(tx, {0, kLongestMs + 1, "", ""}).error().code, "request.invalid");
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
