// SPDX-License-Identifier: Apache-2.0
#include "station/records/record_filter.h"

#include <gtest/gtest.h>

namespace lineside::records {
namespace {

TEST(RecordTime, Many_forms_of_the_same_moment) {
    constexpr std::int64_t kMoment = 1'795'171'284'010;  // 2026-11-20T10:41:24.010Z
    for (const char* text : {"1795171284010", "2026-11-20T10:41:24.010Z", "2026-11-20T10:41:24.01",
                             "2026-11-20 10:41:24.0100", "2026-11-20T11:41:24.010+01:00",
                             "2026-11-20T11:41:24.010 01:00", "2026-11-20T05:11:24.010-0530",
                             "2026-11-20t10:41:24.010z"}) {
        auto ms = parse_time(text, true);
        ASSERT_TRUE(ms) << text;
        EXPECT_EQ(*ms, kMoment) << text;
    }
}

TEST(RecordTime, Date_alone_is_the_whole_day) {
    EXPECT_EQ(parse_time("1970-01-02", false).value(), 86'400'000);
    EXPECT_EQ(parse_time("1970-01-02", true).value(), 2 * 86'400'000);
    EXPECT_EQ(parse_time("2024-02-29T00:00", true).value(), 1'709'164'800'000);
}

TEST(RecordTime, Nonsense_is_refused) {
    for (const char* text : {"", "yesterday", "2026-13-01", "2026-02-30", "2026-11-20T25:00",
                             "2026-11-20T10:41x", "2026-11-20T10:41:24.", "2026-11-20T10",
                             "20261120", "2026-11-20T10:41+99:00", "99999999999999999999"}) {
        EXPECT_FALSE(parse_time(text, false)) << text;
    }
}

TEST(RecordSerialRange, Ends_may_be_open) {
    RecordFilter filter;
    ASSERT_TRUE(parse_serial_range("RC-1..RC-9", filter));
    EXPECT_EQ(filter.serial_from, "RC-1");
    EXPECT_EQ(filter.serial_to, "RC-9");
    ASSERT_TRUE(parse_serial_range("RC-1..", filter));
    EXPECT_FALSE(filter.serial_to);
    ASSERT_TRUE(parse_serial_range("..RC-9", filter));
    EXPECT_FALSE(filter.serial_from);
    ASSERT_TRUE(parse_serial_range("RC.7", filter));
    EXPECT_EQ(filter.serial_from, "RC.7");
    EXPECT_EQ(filter.serial_to, "RC.7");
    for (const char* text : {"", "..", "B..A", "A..B..C"}) {
        EXPECT_FALSE(parse_serial_range(text, filter)) << text;
    }
}

TEST(RecordFilterParse, Fields_become_conditions) {
    const auto filter = parse_filter({{"serial_from", "a1"},
                                      {"until", "2026-11-20"},
                                      {"result", "pass, FAIL"},
                                      {"image", "ABCDEF"},
                                      {"code", "f12"},
                                      {"slot", ""}});
    ASSERT_TRUE(filter);
    EXPECT_EQ(filter->results, (std::vector<std::string>{"PASS", "FAIL"}));
    EXPECT_EQ(filter->codes, std::vector<std::string>{"boot.none"});
    EXPECT_FALSE(filter->slot);
    const Where made = where(*filter);
    EXPECT_EQ(made.sql,
              " WHERE lower(serial) >= ?1 AND ended_ms < ?2 AND substr(image, 1, length(?3)) = ?3"
              " AND (result = ?4 OR result = ?5) AND (code = ?6)");
    EXPECT_EQ(made.args.size(), 6U);
    EXPECT_EQ(where({}).sql, "");
    EXPECT_EQ(parse_filter({{"code", "step.set-nvme"}}).value().codes,
              std::vector<std::string>{"step.set-nvme"});
    EXPECT_NE(where(parse_filter({{"code", "F20"}}).value()).sql.find("GLOB"), std::string::npos);
}

TEST(RecordFilter, Order_and_operator_are_named_whole) {
    const auto made = where(parse_filter({{"order", "2611-07"}, {"operator", "Ana Kim"}}).value());
    EXPECT_EQ(made.sql, " WHERE \"order\" = ?1 AND operator = ?2");
    EXPECT_EQ(made.args.size(), 2U);
    EXPECT_TRUE(where(parse_filter({{"order", ""}, {"operator", ""}}).value()).sql.empty());
}

TEST(RecordFilterParse, Wrong_fields_are_named) {
    for (const auto& [name, text] :
         std::vector<std::pair<std::string, std::string>>{{"since", "x"},
                                                          {"until", "x"},
                                                          {"result", "GOOD"},
                                                          {"image", "abc"},
                                                          {"image", "xyzxyz"},
                                                          {"code", "no.such"}}) {
        const auto filter = parse_filter({{name, text}});
        ASSERT_FALSE(filter) << name;
        EXPECT_EQ(filter.error().code, "request.invalid");
        EXPECT_NE(filter.error().message.find(name), std::string::npos) << filter.error().message;
    }
}

}  // namespace
}  // namespace lineside::records
