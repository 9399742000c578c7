// SPDX-License-Identifier: Apache-2.0
#include "station/records/shift.h"

#include "station/db/empty_database.h"
#include "station/db/file_fixture.h"
#include "station/db/store.h"
#include "station/records/record_filter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace lineside::records {
namespace {

std::int64_t utc(std::string_view text) {
    return parse_time(text, false).value();
}

// A line where the clock is put forward on 2026-03-29 and back on 2026-10-25.
class ShiftTest : public db::FileTest {
  protected:
    void SetUp() override {
        db::FileTest::SetUp();
        db::place_empty_database(file);
        ::setenv("TZ", "Europe/Berlin", 1);
        ::tzset();
        store = db::Store::open(loop, file).value();
    }
    void TearDown() override {
        store.reset();
        ::unsetenv("TZ");
        ::tzset();
        db::FileTest::TearDown();
    }
    bool in(const char* shift, std::string_view at) {
        const std::string condition =
            shift_condition(shifts, *find_shift(shifts, shift), "x.ended_ms");
        bool is = false;
        const auto read = store->read_now([&](db::Tx& tx) -> base::Status {
            auto row =
                tx.one<bool>("SELECT " + condition + " FROM (SELECT ?1 AS ended_ms) x", utc(at));
            is = row && *row && std::get<0>(**row);
            return row ? base::Status() : tl::unexpected<base::Error>(row.error());
        });
        EXPECT_TRUE(read) << read.error().message;
        return is;
    }
    boost::asio::io_context loop{1};
    std::unique_ptr<db::Store> store;
    Shifts shifts = default_shifts();
};

TEST_F(ShiftTest, One_goes_from_its_start_to_the_next_ones) {
    EXPECT_EQ(minutes_of(shifts, shifts[2]), 480);
    EXPECT_EQ(minutes_of({{"all", 360}}, {"all", 360}), 1440);
    EXPECT_TRUE(in("early", "2026-11-28T05:00Z"));  // 06:00 on the wall
    EXPECT_FALSE(in("early", "2026-11-28T04:59Z"));
    EXPECT_FALSE(in("early", "2026-11-28T13:00Z"));
    EXPECT_TRUE(in("late", "2026-11-28T13:00Z"));
    EXPECT_TRUE(in("night", "2026-11-28T22:30Z"));
    EXPECT_TRUE(in("night", "2026-11-28T02:00Z"));
}

TEST_F(ShiftTest, The_clock_on_the_wall_counts_in_summer_too) {
    EXPECT_TRUE(in("early", "2026-07-01T04:00Z"));
    EXPECT_FALSE(in("early", "2026-07-01T03:59Z"));
    EXPECT_FALSE(in("early", "2026-03-28T04:30Z"));
    EXPECT_TRUE(in("early", "2026-03-29T04:30Z"));
    EXPECT_TRUE(in("early", "2021-07-01T04:00Z"));
}

TEST_F(ShiftTest, A_night_is_of_the_day_it_began_on) {
    const auto night = stretch_of_day(shifts, &shifts[2], "2026-11-28").value();
    EXPECT_EQ(night.since_ms, utc("2026-11-28T21:00Z"));
    EXPECT_EQ(night.until_ms, utc("2026-11-29T05:00Z"));
    // The clock is put forward in it: it is an hour short.
    const auto spring = stretch_of_day(shifts, &shifts[2], "2026-03-28").value();
    EXPECT_EQ(spring.until_ms - spring.since_ms, 7 * 3'600'000);
    shifts[2].days = 1U << 6U;  // Saturdays
    EXPECT_TRUE(in("night", "2026-11-29T02:00Z"));
    EXPECT_FALSE(in("night", "2026-11-30T02:00Z"));
}

TEST_F(ShiftTest, A_day_alone_is_the_whole_day_on_the_wall) {
    const auto day = stretch_of_day(shifts, nullptr, "2026-10-25").value();
    EXPECT_EQ(day.until_ms - day.since_ms, 25 * 3'600'000);
    for (const char* text :
         {"", "2026-11", "2026-13-01", "2026-11-31", "28.11.2026", "2026-11-28x"}) {
        EXPECT_FALSE(stretch_of_day(shifts, nullptr, text)) << text;
    }
}

TEST_F(ShiftTest, Filters_take_a_shift_by_name) {
    const auto one = parse_filter({{"shift", "night"}, {"day", "2026-11-28"}}, shifts);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->day->since_ms, utc("2026-11-28T21:00Z"));
    EXPECT_EQ(where(*one).args.size(), 2U);
    const auto any = parse_filter({{"shift", "early"}, {"slot", "3"}}, shifts);
    ASSERT_TRUE(any);
    EXPECT_NE(where(*any).sql.find("% 86400000"), std::string::npos);
    const auto none = parse_filter({{"shift", "dawn"}}, shifts);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().message, "shift: early, late, night expected");
    EXPECT_FALSE(parse_filter({{"shift", "early"}}));
}

TEST_F(ShiftTest, The_newest_that_began_come_first) {
    const auto json = shifts_json(shifts, utc("2026-11-28T22:30Z"));
    EXPECT_EQ(json["shifts"][0]["start"], "06:00");
    EXPECT_EQ(json["recent"].size(), 9U);
    EXPECT_EQ(json["recent"][0]["shift"], "night");
    EXPECT_EQ(json["recent"][0]["day"], "2026-11-28");
    EXPECT_EQ(json["recent"][1]["shift"], "late");
    const auto morning = shifts_json(shifts, utc("2026-11-29T03:00Z"));
    EXPECT_EQ(morning["recent"][0]["day"], "2026-11-28") << "the night goes on";
}

}  // namespace
}  // namespace lineside::records
