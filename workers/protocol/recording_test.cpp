// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/recording.h"

#include <gtest/gtest.h>

namespace lineside::protocol {

TEST(Recording, Keeps_both_directions_without_secrets) {
    const auto in = parse_recorded(record_in(12, R"({"ev":"fact","key":"k","value":"v"})"));
    ASSERT_TRUE(in);
    EXPECT_EQ(in->at_ms, 12);
    EXPECT_EQ(in->direction, Direction::in);
    EXPECT_EQ(in->line["key"], "k");

    Answer answer;
    answer.id = 1;
    answer.ok = true;
    answer.value = {{"token", "s3cr3t"}};
    const auto text = record_out(13, FromStation(answer));
    EXPECT_EQ(text.find("s3cr3t"), std::string::npos);
    const auto out = parse_recorded(text);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->direction, Direction::out);
    EXPECT_EQ(out->line["ev"], "answer");
}

TEST(Recording, Keeps_what_was_no_message) {
    const auto bad = parse_recorded(record_in(1, "garbage \xff" + std::string(9000, 'x')));
    ASSERT_TRUE(bad);
    EXPECT_TRUE(bad->line.is_null());
    EXPECT_EQ(bad->text.substr(0, 8), "garbage ");
    EXPECT_FALSE(parse_recorded("garbage"));
    EXPECT_FALSE(parse_recorded(R"({"at_ms":1,"dir":"up","line":{}})"));
}

}  // namespace lineside::protocol
