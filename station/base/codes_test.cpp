// SPDX-License-Identifier: Apache-2.0
#include "station/base/codes.h"

#include <gtest/gtest.h>

#include <set>

namespace lineside::base {

TEST(Codes, Every_row_has_its_own_code_and_display) {
    std::set<std::string_view> codes;
    std::set<std::string_view> displays;
    for (const CodeEntry& entry : all_codes()) {
        EXPECT_TRUE(codes.insert(entry.code).second) << entry.code;
        EXPECT_TRUE(displays.insert(entry.display).second) << entry.display;
        EXPECT_FALSE(entry.sentence.empty()) << entry.code;
    }
}

TEST(Codes, Display_letter_says_who_is_to_blame) {
    for (const CodeEntry& entry : all_codes()) {
        if (entry.display.front() == 'F') {
            EXPECT_EQ(entry.kind, Kind::unit) << entry.code;
        } else {
            EXPECT_NE(entry.kind, Kind::unit) << entry.code;
        }
    }
}

TEST(Codes, Display_codes_have_three_letters_and_requests_have_their_own) {
    for (const CodeEntry& entry : all_codes()) {
        EXPECT_EQ(entry.display.size(), 3U) << entry.code;
        EXPECT_NE(std::string_view("FEAC").find(entry.display.front()), std::string_view::npos)
            << entry.code;
        if (entry.code.starts_with("http.") || entry.code.starts_with("request.")) {
            EXPECT_EQ(entry.display.front(), 'C') << entry.code;
        }
    }
}

TEST(Codes, Unknown_code_never_blames_a_unit) {
    EXPECT_EQ(code_entry("never.heard_of").code, "station.bug");
    EXPECT_NE(make_error("never.heard_of").kind, Kind::unit);
}

TEST(Codes, Steps_share_one_row) {
    EXPECT_EQ(make_error("step.set-nvme").kind, Kind::unit);
    EXPECT_EQ(make_error("step.set-nvme").code, "step.set-nvme");
    EXPECT_TRUE(is_known_code("step.set-nvme"));
    EXPECT_FALSE(is_known_code("step."));
}

}  // namespace lineside::base
