// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/unit_fields.h"

#include "serial-pool/batch_csv.h"

#include <gtest/gtest.h>

namespace lineside::serial_pool {
namespace {

std::string made(std::string_view text, std::string_view serial) {
    auto parsed = SsidTemplate::parse(text);
    return parsed ? parsed->of(serial) : "refused: " + parsed.error().message;
}

TEST(UnitFields, A_template_takes_the_serial_or_a_part_of_it) {
    EXPECT_EQ(made("Cam-{serial}", "00042"), "Cam-00042");
    EXPECT_EQ(made("Cam-{serial:-4}", "A-00042"), "Cam-0042");
    EXPECT_EQ(made("{serial:2} {serial:-1}!", "A-00042"), "A- 2!");
    EXPECT_EQ(made("{serial:-64}", "A1"), "A1") << "a shorter serial is taken whole";
    EXPECT_EQ(made("K\xC3\xA4mera {serial}", "1"), "K\xC3\xA4mera 1");
}

TEST(UnitFields, A_template_that_means_nothing_is_refused) {
    for (const char* text : {"", "Cam", "{}", "{Serial}", "{serial", "serial}", "{serial}}",
                             "{{serial}}", "{serial:}", "{serial:0}", "{serial:65}", "{serial:-65}",
                             "{serial:x}", "{serial -4}", "{token}", "{serial}\n", "{serial}\xFF",
                             "{serial:99999999999999999999}", "{serial:-9223372036854775808}"}) {
        const auto parsed = SsidTemplate::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, "request.invalid");
        EXPECT_NE(parsed.error().message.find("Cam-{serial:-4}"), std::string::npos)
            << "the remedy is named: " << parsed.error().message;
    }
}

TEST(UnitFields, Wi_Fi_limits) {
    EXPECT_EQ(why_no_ssid("x"), "");
    EXPECT_EQ(why_no_ssid(std::string(32, 'x')), "");
    EXPECT_NE(why_no_ssid(std::string(33, 'x')), "");
    EXPECT_NE(why_no_ssid(""), "");
    EXPECT_NE(why_no_ssid("a\x7F"), "");
    EXPECT_EQ(why_no_ap_password("12345678"), "");
    EXPECT_EQ(why_no_ap_password(std::string(63, ' ')), "");
    EXPECT_NE(why_no_ap_password("1234567"), "");
    EXPECT_NE(why_no_ap_password(std::string(64, 'a')), "");
    EXPECT_NE(why_no_ap_password("12345678\xC3\xA9"), "");
    EXPECT_NE(why_no_ap_password(""), "");
}

TEST(UnitFields, Each_row_has_its_access_point) {
    const std::string bytes =
        "ap_password,serial,note,ap_ssid,token\n\"pass \"\"12\",A1,x,Cam 1,t1\n12345678,A2,,B,t2\n";
    const BatchReport report = check_batch(bytes, {});
    ASSERT_EQ(report.fields.size(), 2U) << to_text(report, "f");
    EXPECT_EQ(report.fields[0].ap_ssid, "Cam 1");
    EXPECT_EQ(report.fields[0].ap_password, "pass \"12");
    EXPECT_EQ(report.fields[1].ap_password, "12345678");
    EXPECT_EQ(report.rows[1].token, "t2");
    EXPECT_TRUE(check_batch("serial,token\nA1,t1\n", {}).fields.empty());
}

}  // namespace
}  // namespace lineside::serial_pool
