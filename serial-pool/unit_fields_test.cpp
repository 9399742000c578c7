// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/unit_fields.h"

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

}  // namespace
}  // namespace lineside::serial_pool
