// SPDX-License-Identifier: Apache-2.0
// Steps before the flash in a recipe: what is read, and what is refused with its place.
#include "station/config/config.h"

#include <gtest/gtest.h>

namespace lineside::config {
namespace {

constexpr std::string_view kHead = R"([station]
id = "a"
data = "/var/lib/lineside"
key_file = "/etc/lineside/key"
[[profile]]
id = "crc-nx"
model = "xavier-nx"
board = "jetson-xavier-nx-crc"
rootdev = "mmcblk0p1"
bsp = "/opt/bsp"
recipe = "camera"
expect = { id = "3668" }
[[recipe]]
id = "camera"
)";

// Lines of [[recipe.step]] in their order; the recipe begins at line 13.
std::string recipe(const std::vector<std::string>& steps, std::string_view session = {}) {
    std::string text(kHead);
    for (const std::string& step : steps) {
        text += "[[recipe.step]]\n" + step + "\n";
    }
    return text + std::string(session);
}

const std::vector<std::string> kPost{"use = \"wait-unit\"",
                                     "use = \"prove-image\"",
                                     "use = \"set-nvme\"",
                                     "use = \"set-serial\"",
                                     "use = \"install-camera\"\nversion = \"2.11.0\"",
                                     "use = \"read-serial\""};

std::vector<std::string> with_pre(const std::vector<std::string>& pre,
                                  const std::string& flash = "use = \"flash\"",
                                  std::string_view leave_out = {}) {
    std::vector<std::string> steps;
    for (const std::string& each : pre) {
        steps.push_back("phase = \"pre\"\n" + each);
    }
    steps.push_back(flash);
    for (const std::string& each : kPost) {
        if (leave_out.empty() || each.find(leave_out) == std::string::npos) {
            steps.push_back(each);
        }
    }
    return steps;
}

Reading read(const std::string& text) {
    return read_config_text(text, "station.toml");
}

std::string told(const Reading& reading) {
    std::string text;
    for (const auto& complaint : reading.complaints) {
        if (complaint.field != "profile.model" &&
            complaint.message.find("models") == std::string::npos) {
            text += to_text(complaint) + "\n";
        }
    }
    return text;
}

std::vector<std::string> names(const std::vector<core::PreStep>& steps) {
    std::vector<std::string> out;
    for (const core::PreStep& step : steps) {
        out.push_back(step.name);
    }
    return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST(SessionReader, Steps_before_the_flash_are_done_once_for_all_units) {
    const auto reading = read(recipe(
        with_pre({"use = \"set-wifi-ap\"\nssid = \"Line\"\nwifi_ap_password = \"secret-of-ap\"",
                  "use = \"set-service\"\nd = 1\nurl = \"https://api.example\"",
                  "use = \"install-camera\""})));
    EXPECT_EQ(told(reading), "");
    ASSERT_EQ(reading.config.profiles.size(), 1U);
    const core::Profile& profile = reading.config.profiles[0];
    EXPECT_EQ(profile.steps.front().name, "flash") << "the unit's own steps begin with the flash";
    EXPECT_EQ(profile.steps.size(), kPost.size() + 1);
    ASSERT_EQ(names(profile.prepare),
              (Names{"install-mcutool", "set-wifi-ap", "set-service", "install-camera"}))
        << "install-mcutool is a part of the default preparation (A6)";
    const core::PreStep& ap = profile.prepare[1];
    EXPECT_EQ(ap.args, (base::Json{{"address", "10.0.0.1"}, {"ssid", "Line"}}));
    EXPECT_EQ(ap.secrets.at("password").reveal(), "secret-of-ap");
    EXPECT_EQ(profile.prepare[2].args,
              (base::Json{{"develop", true}, {"url", "https://api.example"}}));
}

TEST(SessionReader, Without_such_steps_a_recipe_is_no_prepared_session) {
    const auto reading = read(recipe(with_pre({}, "use = \"flash\"", "install-camera")));
    EXPECT_EQ(told(reading), "") << "another product needs no camera";
    EXPECT_TRUE(reading.config.profiles.at(0).prepare.empty());
}

TEST(SessionReader, The_power_controllers_tool_may_be_left_out) {
    const std::string ap = "use = \"set-wifi-station\"\nssid = \"Guest\"";
    const auto off = read(recipe(with_pre({ap}), "[recipe.session]\ninstall_mcutool = false\n"));
    EXPECT_EQ(told(off), "");
    EXPECT_EQ(names(off.config.profiles.at(0).prepare), Names{"set-wifi-station"});
    const auto taken = read(recipe(with_pre({"use = \"install-mcutool\"\nenabled = false", ap})));
    EXPECT_EQ(told(taken), "");
    EXPECT_EQ(names(taken.config.profiles.at(0).prepare), Names{"set-wifi-station"});
    const auto alone = read(recipe(with_pre({}), "[recipe.session]\nimage = \"shared\"\n"));
    EXPECT_EQ(told(alone), "");
    EXPECT_EQ(names(alone.config.profiles.at(0).prepare), Names{"install-mcutool"});
}

struct Refused {
    const char* name;
    std::string text;
    std::vector<std::string_view> told;
};
std::string PrintToString(const Refused& each) {
    return each.name;
}
class RefusedSession : public testing::TestWithParam<Refused> {};
TEST_P(RefusedSession, Is_told_with_place_and_remedy) {
    const auto reading = read(GetParam().text);
    for (const auto part : GetParam().told) {
        EXPECT_NE(told(reading).find(part), std::string::npos) << part << "\n" << told(reading);
    }
    EXPECT_EQ(told(reading).find("pass-word-of"), std::string::npos) << "a secret was repeated";
}
INSTANTIATE_TEST_SUITE_P(
    All, RefusedSession,
    testing::Values(
        Refused{"serial",
                recipe(with_pre({"use = \"set-serial\"\nserial = \"A1\""})),
                {"station.toml:17:", "recipe.step.use", "good for one unit",
                 "Run set-serial on the booted unit"}},
        Refused{
            "own_ssid",
            recipe(with_pre({"use = \"set-wifi-ap\"\nssid = \"{ap_ssid}\"\n"
                             "wifi_ap_password = \"{ap_password}\""})),
            {"station.toml:18:", "each unit has its own ssid", "Run set-wifi-ap on the booted"}},
        Refused{
            "camera_version",
            recipe(with_pre({"use = \"install-camera\"\nversion = \"2.11.0\""})),
            {"station.toml:18:", "recipe.step.version", "not supported yet", "Leave version out"}},
        Refused{"nvme",
                recipe(with_pre({"use = \"install-nvme\""})),
                {"station.toml:16:", "set-nvme runs only on the booted unit"}},
        Refused{"form",
                recipe(with_pre({"use = \"set-wifi-station\"\nssid = \"Guest\"\n"
                                 "password = \"pass-word-of\\u0007\""})),
                {"station.toml:19:", "recipe.step.password", "IEEE 802.11"}},
        Refused{"unknown_argument",
                recipe(with_pre({"use = \"set-wifi-station\"\nsid = \"Guest\""})),
                {"Did you mean \"ssid\"?", "set-wifi-station: ssid is missing"}},
        Refused{"login_parameter",
                recipe(with_pre({"use = \"install-mcutool\"\nconnect_s = 20"})),
                {"no argument of install-mcutool"}},
        Refused{"unknown_step",
                recipe(with_pre({"use = \"set-wifi-statoin\"\nssid = \"Guest\""})),
                {"did you mean 'set-wifi-station'?"}},
        Refused{"twice",
                recipe(with_pre({"use = \"set-wifi-station\"\nssid = \"Guest\"",
                                 "use = \"set-wifi-station\"\nssid = \"Other\""})),
                {"station.toml:21:", "is there twice before the flash"}},
        Refused{"flash_itself", recipe(with_pre({"use = \"flash\""})), {"leave phase out"}},
        Refused{"behind_the_flash",
                recipe({"use = \"flash\"", "use = \"install-mcutool\"\nphase = \"pre\""}),
                {"put it before use = \"flash\""}},
        Refused{
            "no_camera",
            recipe(with_pre({"use = \"install-mcutool\""}, "use = \"flash\"", "install-camera")),
            {"station.toml:15:", "install-camera is missing", "Put install-camera behind"}},
        Refused{"no_ssd",
                recipe(with_pre({}, "use = \"flash\"", "set-nvme"), "[recipe.session]\n"),
                {"set-nvme is missing"}},
        Refused{"no_serial",
                recipe(with_pre({"use = \"install-mcutool\""}, "use = \"flash\"", "set-serial")),
                {"step 'set-serial' is missing"}},
        Refused{"per_unit",
                recipe(with_pre({}), "[recipe.session]\nimage = \"per-unit\"\n"),
                {"recipe.session.image", "one image", "set-serial behind the flash"}},
        Refused{"image_word",
                recipe(with_pre({}), "[recipe.session]\nimage = \"cached\"\n"),
                {"must be \"shared\""}},
        Refused{"session_key",
                recipe(with_pre({}), "[recipe.session]\ninstal_mcutool = false\n"),
                {"did you mean 'install_mcutool'"}},
        Refused{
            "package",
            recipe(with_pre({"use = \"install-mcutool\""}, "use = \"flash\"\nway = \"massflash\"")),
            {"package that is finished"}},
        Refused{
            "other_method",
            recipe(with_pre({"use = \"install-mcutool\""}, "use = \"flash\"\nmethod = \"sim\"")),
            {"method sim builds no image"}}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace lineside::config
