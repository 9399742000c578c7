// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/serial_range.h"

#include "serial-pool/batch_csv.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace lineside::serial_pool {
namespace {

SerialRange range(std::string prefix, std::int64_t first, std::int64_t count, std::size_t width) {
    SerialRange made;
    made.prefix = std::move(prefix);
    made.first = first;
    made.count = count;
    made.width = width;
    return made;
}

TEST(SerialRangeTest, Serials_have_prefix_counter_suffix_and_check_character) {
    SerialRange cameras = range("CAM-", 98, 3, 5);
    cameras.step = 2;
    cameras.suffix = "-B";
    EXPECT_EQ(serial_at(cameras, 0).value(), "CAM-00098-B");
    EXPECT_EQ(serial_at(cameras, 2).value(), "CAM-00102-B");
    cameras.check = CheckDigit::named("iso7064-37,36").value();
    EXPECT_TRUE(check_range(cameras));
    EXPECT_EQ(serial_at(cameras, 1).value(),
              "CAM-00100-B" + cameras.check->of("CAM00100B").value());
    cameras.check = CheckDigit::named("luhn").value();
    EXPECT_FALSE(check_range(cameras)) << "Luhn knows no letters";
    cameras.check_counter_only = true;
    EXPECT_TRUE(check_range(cameras));
    EXPECT_EQ(serial_at(cameras, 1).value(), "CAM-00100-B" + cameras.check->of("00100").value());
    EXPECT_EQ(serial_at(range("", 9, 2, 0), 1).value(), "10") << "no width, no zeros";
}

struct Refused {
    const char* name;
    std::function<void(SerialRange&)> change;
    const char* names;  // what the sentence begins with
};
class RefusedRange : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRange, Is_told_which_part_is_wrong) {
    SerialRange wrong = range("A", 1, 10, 4);
    ASSERT_TRUE(check_range(wrong));
    GetParam().change(wrong);
    const auto checked = check_range(wrong);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "request.invalid");
    EXPECT_TRUE(checked.error().message.starts_with(GetParam().names)) << checked.error().message;
    EXPECT_FALSE(generate_batch(wrong, nullptr));
}

constexpr auto kHuge = std::numeric_limits<std::int64_t>::max();
INSTANTIATE_TEST_SUITE_P(
    Ranges, RefusedRange,
    testing::Values(
        Refused{"none", [](SerialRange& r) { r.count = 0; }, "count:"},
        Refused{"too_many", [](SerialRange& r) { r.count = kMostGenerated + 1; }, "count:"},
        Refused{"negative", [](SerialRange& r) { r.first = -1; }, "from:"},
        Refused{"no_step", [](SerialRange& r) { r.step = 0; }, "step:"},
        Refused{"overflow", [](SerialRange& r) { r.step = kHuge; }, "from, step, count:"},
        Refused{"overflow_of_first", [](SerialRange& r) { r.first = kHuge - 1; }, "from, step"},
        Refused{"grows_over_width", [](SerialRange& r) { r.first = 9991; }, "width:"},
        Refused{"width", [](SerialRange& r) { r.width = 19; }, "width:"},
        Refused{"bad_prefix", [](SerialRange& r) { r.prefix = "-A"; }, "prefix"},
        Refused{"comma", [](SerialRange& r) { r.prefix = "A,"; }, "prefix"},
        Refused{"formula", [](SerialRange& r) { r.prefix = "=A"; }, "prefix"},
        Refused{"blank_suffix", [](SerialRange& r) { r.suffix = " "; }, "prefix"},
        Refused{"non_ascii", [](SerialRange& r) { r.suffix = "\xC3\xA9"; }, "prefix"},
        Refused{"too_long", [](SerialRange& r) { r.prefix = std::string(61, 'A'); }, "prefix"},
        Refused{"too_long_with_check",
                [](SerialRange& r) {
                    r.prefix = std::string(60, 'A');
                    r.check = CheckDigit::named("iso7064-1271-36").value();
                },
                "prefix"},
        Refused{"letters_under_luhn",
                [](SerialRange& r) { r.check = CheckDigit::named("luhn").value(); }, "check:"}),
    [](const testing::TestParamInfo<Refused>& one) { return std::string(one.param.name); });

TEST(SerialRangeTest, A_check_character_no_serial_may_hold_refuses_the_batch) {
    SerialRange stars = range("A", 0, 1000, 3);
    stars.check = CheckDigit::named("iso7064-37-2").value();
    const auto made = generate_batch(stars, nullptr);
    ASSERT_FALSE(made) << "one of 37 gets a star";
    EXPECT_NE(made.error().message.find("iso7064-37,36"), std::string::npos);
}

TEST(SerialRangeTest, What_is_made_is_a_batch_the_contract_accepts) {
    SerialRange serials = range("0", 0, 5000, 5);
    serials.check = CheckDigit::named("iso7064-11-2").value();
    auto maker = TokenMaker::over("!#$,;'=+-@ABC", 24).value();
    const auto made = generate_batch(serials, &maker);
    ASSERT_TRUE(made) << made.error().message;
    const BatchReport report = check_batch(made->reveal(), {});
    ASSERT_TRUE(report.accepted()) << to_text(report, "made");
    ASSERT_EQ(report.count(), 5000);
    EXPECT_EQ(report.warnings_total, 0);
    EXPECT_EQ(report.rows[42].serial, serial_at(serials, 42).value());
    EXPECT_EQ(report.rows[42].token.size(), 24U);
    EXPECT_TRUE(serials.check->fits(report.rows[42].serial));
    const auto without = generate_batch(serials, nullptr);
    EXPECT_TRUE(check_batch(without->reveal(), {true, 1000}).accepted());
    EXPECT_FALSE(check_batch(without->reveal(), {}).accepted()) << "no tokens: test-only";
}

TEST(SerialRangeTest, More_than_a_batch_file_may_hold_is_refused) {
    auto maker = TokenMaker::over(TokenMaker::kAlphanumeric, 4096).value();
    const auto made = generate_batch(range("A", 0, 100'000, 0), &maker);
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().message.starts_with("count:")) << made.error().message;
}

TEST(TokenMakerTest, Refuses_what_could_be_guessed) {
    EXPECT_TRUE(TokenMaker::over(TokenMaker::kAlphanumeric, 11));
    EXPECT_FALSE(TokenMaker::over(TokenMaker::kAlphanumeric, 10));
    EXPECT_FALSE(TokenMaker::over(TokenMaker::kAlphanumeric, 0));
    EXPECT_FALSE(TokenMaker::over(TokenMaker::kAlphanumeric, 4097));
    EXPECT_TRUE(TokenMaker::over("0123456789abcdef", 16));
    EXPECT_FALSE(TokenMaker::over("0123456789abcdef", 15));
    for (const char* alphabet : {"", "a", "aab", "ab c", "ab\"", "ab\xC3\xA9"}) {
        EXPECT_FALSE(TokenMaker::over(alphabet, 100)) << alphabet;
    }
}

// Chi-squared over a quarter of a million characters: with 85 characters a byte taken modulo 85
// would favour the first one by half and fail by thousands.
TEST(TokenMakerTest, Each_character_is_as_likely_as_any_other) {
    std::string alphabet;
    for (char c = '#'; alphabet.size() < 85; ++c) {
        alphabet += c;
    }
    auto maker = TokenMaker::over(alphabet, 4096).value();
    std::string text;
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(maker.append(text));
    }
    ASSERT_EQ(text.size(), 64U * 4096U);
    std::map<char, double> counts;
    for (const char c : text) {
        ++counts[c];
    }
    ASSERT_EQ(counts.size(), 85U);
    const double wanted = static_cast<double>(text.size()) / 85;
    double chi = 0;
    for (const auto& [c, n] : counts) {
        chi += (n - wanted) * (n - wanted) / wanted;
    }
    EXPECT_LT(chi, 84 + 8 * 13) << "84 degrees of freedom, deviation 13: eight of them is never";
}

TEST(TokenMakerTest, Tokens_differ) {
    auto maker = TokenMaker::over("01", 64).value();
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        std::string token;
        ASSERT_TRUE(maker.append(token));
        EXPECT_EQ(token.size(), 64U);
        EXPECT_TRUE(seen.insert(token).second);
    }
}

}  // namespace
}  // namespace lineside::serial_pool
