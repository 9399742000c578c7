// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"

#include "station/base/markup.h"

#include <gtest/gtest.h>

namespace lineside::base {

TEST(Text, Trim_takes_blanks_and_tabs_and_nothing_else) {
    EXPECT_EQ(trim_blanks(" \ta b\t "), "a b");
    EXPECT_EQ(trim_blanks("\ra"), "\ra");
    EXPECT_EQ(trim_blanks("   "), "");
}

TEST(Text, Hex_goes_both_ways_and_refuses_rubbish) {
    const auto bytes = from_hex("00ff10");
    ASSERT_TRUE(bytes);
    EXPECT_EQ(to_hex(*bytes), "00ff10");
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("0g"));
    EXPECT_FALSE(from_hex("-1"));
}

TEST(Text, Sha256_of_abc_is_the_published_one) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Text, Nearest_finds_a_slip_of_the_pen) {
    const std::array<std::string_view, 2> names{"listen", "model"};
    EXPECT_EQ(nearest("listne", names), "listen");
    EXPECT_EQ(nearest("zzzzzzz", names), "");
}

TEST(Text, Numbers_must_fill_the_text) {
    EXPECT_EQ(to_int("42"), 42);
    EXPECT_FALSE(to_int("42 "));
    EXPECT_FALSE(to_int(""));
}

TEST(Markup, No_character_of_a_text_is_markup) {
    EXPECT_EQ(escape_markup("<b a='1'>\"x\" & y</b>"),
              "&lt;b a=&#39;1&#39;&gt;&quot;x&quot; &amp; y&lt;/b&gt;");
    EXPECT_EQ(escape_markup("Zając 槽"), "Zając 槽");
}

}  // namespace lineside::base
