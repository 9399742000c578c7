// SPDX-License-Identifier: Apache-2.0
#include "station/base/json.h"

#include <gtest/gtest.h>

namespace lineside::base {

TEST(Json, Field_of_wrong_type_is_named) {
    auto value = parse_json(R"({"a":"x","n":300})", 100);
    ASSERT_TRUE(value);
    EXPECT_EQ(field<std::string>(*value, "a").value(), "x");
    auto wrong = field<std::int64_t>(*value, "a");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message.find("'a'"), std::string::npos);
    EXPECT_FALSE(field<std::uint8_t>(*value, "n")) << "300 does not fit 8 bits";
}

TEST(Json, Missing_field_takes_the_default_but_a_wrong_one_does_not) {
    auto value = parse_json(R"({"a":1,"z":null})", 100);
    ASSERT_TRUE(value);
    EXPECT_EQ(field_or<std::string>(*value, "b", "d").value(), "d");
    EXPECT_EQ(field_or<std::string>(*value, "z", "d").value(), "d");
    EXPECT_FALSE(field_or<std::string>(*value, "a", "d"));
}

TEST(Json, Rubbish_and_bombs_are_refused) {
    EXPECT_FALSE(parse_json("{", 100));
    EXPECT_FALSE(parse_json("\"\xff\"", 100));
    EXPECT_FALSE(parse_json(std::string(50, '['), 100));
    EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']'), 100));
    EXPECT_FALSE(parse_json("\"" + std::string(200, 'x') + "\"", 100));
}

TEST(Json, Is_nested_32_deep_at_most) {
    const auto nested = [](std::size_t depth, const std::string& inner) {
        return std::string(depth, '[') + inner + std::string(depth, ']');
    };
    EXPECT_TRUE(parse_json(nested(32, "1"), 1000));
    EXPECT_TRUE(parse_json(nested(31, "{}"), 1000));
    EXPECT_FALSE(parse_json(nested(33, ""), 1000));
    EXPECT_FALSE(parse_json(nested(32, "{}"), 1000));
    const std::string brackets(50, '[');
    for (const std::string& text :
         {"\"" + brackets + "\"", "\"\\\"" + brackets + "\"", "{\"" + brackets + "\\\\\":1}"}) {
        EXPECT_TRUE(parse_json(text, 1000)) << text;
    }
    EXPECT_FALSE(parse_json("[\"\\\\\"," + brackets + std::string(50, ']') + "]", 1000));
}

// Whose time grows with the square of their number would not come to its end here.
TEST(Json, A_list_of_many_objects_is_read) {
    std::string text = "[{}";
    while (text.size() < 1'000'000) {
        text += ",{}";
    }
    const auto list = parse_json(text + "]", 1 << 20);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), text.size() / 3);
}

TEST(Json, Place_of_an_error_is_told_and_nothing_of_what_stands_there) {
    const auto told = [](std::string_view text) { return parse_json(text, 1000).error().message; };
    EXPECT_EQ(told(R"({"password": hunter2})"), "message is not JSON from line 1, column 14 on");
    EXPECT_EQ(told("{\n  \"a\": 1,\n  \"b\": }\n"), "message is not JSON from line 3, column 8 on");
    EXPECT_EQ(told(""), "message is not JSON from line 1, column 1 on");
    EXPECT_EQ(told("{\"a\": \"cut"), "message is not JSON from line 1, column 11 on");
    EXPECT_EQ(told("[1] [2]"), "message is not JSON from line 1, column 5 on");
    EXPECT_EQ(told("[1e400]"), "message has a number that is too large");
    EXPECT_EQ(told("[1e400, oops]"), "message has a number that is too large");
}

TEST(Json, Dump_survives_bad_utf8) {
    EXPECT_NO_THROW((void)dump_json(Json("\xff\xfe")));
}

TEST(Json, Mended_text_goes_through_json_unchanged) {
    EXPECT_EQ(mended_text("gr\xc3\xbc\xc3\x9f \"x\"\n"), "gr\xc3\xbc\xc3\x9f \"x\"\n");
    EXPECT_EQ(mended_text(std::string("a\0b\xff", 4)),
              "a\xef\xbf\xbd"
              "b\xef\xbf\xbd");
}

}  // namespace lineside::base
