// SPDX-License-Identifier: Apache-2.0
#include "station/trust/canonical_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace lineside::trust {
namespace {

std::string canonical(const base::Json& value) {
    auto text = canonical_json(value);
    return text ? *text : "refused: " + text.error().message;
}

}  // namespace

// RFC 8785, section 3.2.2 and 3.2.3: the standard's own examples.
TEST(CanonicalJson, Example_of_the_standard) {
    const base::Json value = base::Json::parse(
        R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],)"
        R"("string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
    EXPECT_EQ(canonical(value),
              "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,"
              "1e-27],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST(CanonicalJson, Keys_are_sorted_by_utf16) {
    const base::Json value = base::Json::parse(
        R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7,"10":8})");
    EXPECT_EQ(canonical(value),
              "{\"\\r\":2,\"1\":4,\"10\":8,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
              "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
}

// RFC 8785, appendix B: IEEE bits and their text.
TEST(CanonicalJson, Numbers_of_the_standard) {
    const std::pair<std::uint64_t, std::string_view> kSamples[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (const auto& [bits, text] : kSamples) {
        EXPECT_EQ(canonical(std::bit_cast<double>(bits)), text);
    }
}

TEST(CanonicalJson, What_has_no_exact_text_is_refused) {
    EXPECT_FALSE(canonical_json(std::nan("")));
    EXPECT_FALSE(canonical_json(std::numeric_limits<double>::infinity()));
    EXPECT_FALSE(canonical_json(std::int64_t{9007199254740992}));
    EXPECT_FALSE(canonical_json(std::numeric_limits<std::int64_t>::min()));
    EXPECT_FALSE(canonical_json(std::numeric_limits<std::uint64_t>::max()));
    EXPECT_FALSE(canonical_json("\xff"));
    EXPECT_FALSE(canonical_json(base::Json{{"\xff", 1}}));
    EXPECT_EQ(canonical(std::int64_t{-9007199254740991}), "-9007199254740991");
    EXPECT_EQ(canonical(std::uint64_t{9007199254740991}), "9007199254740991");
}

TEST(CanonicalJson, Empty_things_and_nesting) {
    EXPECT_EQ(canonical(base::Json::parse(R"({"b":{},"a":[[],{"z":[1,{"y":""}]}]})")),
              R"({"a":[[],{"z":[1,{"y":""}]}],"b":{}})");
}

}  // namespace lineside::trust
