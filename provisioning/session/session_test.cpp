// SPDX-License-Identifier: Apache-2.0
// Every rule of a prepared session, by table: actions, what is refused and why, what it comes to.
#include "provisioning/session/session_file.h"

#include <gtest/gtest.h>

namespace lineside::provisioning::session {
namespace {

using base::Json;

// Short words for actions, so that a case is one line.
Json pre(const char* step, Json args = Json::object()) {
    return {{"do", "pre"}, {"step", step}, {"args", std::move(args)}};
}
Json post(const char* unit, const char* step, Json args = Json::object()) {
    return {{"do", "post"}, {"unit", unit}, {"step", step}, {"args", std::move(args)}};
}
Json flash(const char* unit, bool reuse) {
    return {{"do", "flash"}, {"unit", unit}, {"reuse", reuse}};
}
const Json kOpen = {{"do", "open"}};
const Json kBuild = {{"do", "build"}};
const Json kClose = {{"do", "close"}};
Json serial_args(const char* serial, const char* token) {
    return {{"serial", serial}, {"token", token}};
}
Json ap(const char* ssid = "Line", const char* password = "hunter2hunter2") {
    return {{"address", "10.0.0.1"}, {"ssid", ssid}, {"password", password}};
}
const Json kCamera = {{"version", "1.4.0"}};

Report check(const Json& actions, bool test_only = false) {
    return check_session(Json{{"test_only", test_only}, {"actions", actions}}.dump());
}

// "3 session.stale_image"
std::vector<std::string> told(const Report& report) {
    std::vector<std::string> list;
    for (const Complaint& each : report.errors) {
        list.push_back((each.index ? std::to_string(*each.index) : "-") + " " + each.refusal.code);
    }
    return list;
}
using Told = std::vector<std::string>;

struct Case {
    const char* name;
    Json actions;
    Told errors;
    int builds;
};

// As gtest prints it in the list of cases.
std::ostream& operator<<(std::ostream& out, const Case& each) {
    return out << each.name;
}

class Rules : public ::testing::TestWithParam<Case> {};

TEST_P(Rules, Hold) {
    const Report report = check(GetParam().actions);
    EXPECT_EQ(told(report), GetParam().errors);
    EXPECT_EQ(report.session.builds(), GetParam().builds);
    EXPECT_EQ(report.accepted(), GetParam().errors.empty());
    for (const Complaint& each : report.errors) {
        EXPECT_NE(each.refusal.what, "");
        EXPECT_NE(each.refusal.remedy, "");
        const auto codes = refusal_codes();
        EXPECT_NE(std::find(codes.begin(), codes.end(), each.refusal.code), codes.end());
    }
}

// clang-format off
const std::vector<Case> kSessions{
    // Opening and closing.
    {"open_and_close", {kOpen, kClose}, {}, 0},
    {"two_opens", {kOpen, kOpen, kClose}, {"1 session.open_twice"}, 0},
    {"before_open", {kBuild, kOpen, kClose}, {"0 session.not_open"}, 0},
    {"each_action_before_open", {pre("install-mcutool"), flash("u1", false), kClose, post("u2", "set-nvme")},
        {"0 session.not_open", "1 session.not_open", "2 session.not_open", "3 session.not_open", "3 session.not_flashed"}, 0},
    {"after_close", {kOpen, kBuild, kClose, flash("u1", true)}, {"3 session.closed"}, 1},
    {"post_after_close", {kOpen, flash("u1", false), kClose, post("u1", "set-nvme")}, {"3 session.closed"}, 1},
    {"close_twice", {kOpen, kClose, kClose}, {"2 session.closed"}, 0},
    {"opened_anew_knows_no_image", {kOpen, kBuild, kClose, kOpen, flash("u1", true)}, {"4 session.no_image"}, 1},
    // Images: built, written, built and written.
    {"one_build_for_all", {kOpen, kBuild, flash("u1", true), flash("u2", true), flash("u3", true), kClose}, {}, 1},
    {"reuse_before_any_build", {kOpen, flash("u1", true)}, {"1 session.no_image"}, 0},
    {"plain_flash_prepares_one", {kOpen, flash("u1", false), flash("u2", true)}, {}, 1},
    {"plain_flash_builds_each_time", {kOpen, kBuild, flash("u1", false), flash("u2", false)}, {}, 3},
    {"without_reuse_it_is_built", {kOpen, {{"do", "flash"}, {"unit", "u1"}}}, {}, 1},
    {"change_forbids_reuse", {kOpen, kBuild, pre("set-wifi-ap", ap()), flash("u1", true)}, {"3 session.stale_image"}, 1},
    {"change_after_a_flash_forbids_reuse", {kOpen, kBuild, flash("u1", true), pre("set-service"), flash("u2", true)},
        {"4 session.stale_image"}, 1},
    {"another_password_is_a_change", {kOpen, pre("set-wifi-ap", ap()), kBuild, pre("set-wifi-ap", ap("Line", "other-one-2")), flash("u1", true)},
        {"4 session.stale_image"}, 1},
    {"rebuild_and_write_after_a_change", {kOpen, kBuild, pre("set-wifi-ap", ap()), flash("u1", false), flash("u2", true)}, {}, 2},
    {"build_after_a_change", {kOpen, kBuild, pre("install-camera"), kBuild, flash("u1", true)}, {}, 2},
    {"the_same_again_is_no_change", {kOpen, pre("set-wifi-ap", ap()), kBuild, pre("set-wifi-ap", ap()), flash("u1", true)}, {}, 1},
    {"a_refused_step_is_no_change", {kOpen, kBuild, pre("set-nvme"), flash("u1", true)}, {"2 session.phase"}, 1},
    {"mcutool_is_there_by_default", {kOpen, kBuild, pre("install-mcutool"), flash("u1", true)}, {}, 1},
    {"mcutool_turned_off_is_a_change", {kOpen, kBuild, pre("install-mcutool", {{"enabled", false}}), flash("u1", true)},
        {"3 session.stale_image"}, 1},
    {"mcutool_added_is_a_change", {{{"do", "open"}, {"install_mcutool", false}}, kBuild, pre("install-mcutool"), flash("u1", true)},
        {"3 session.stale_image"}, 1},
    // Told once: what follows from a refused flash is not wrong once more.
    {"refused_flash_is_told_once", {kOpen, flash("u1", true), post("u1", "set-nvme"), post("u1", "set-wifi-ap", ap())},
        {"1 session.no_image"}, 0},
    {"but_its_arguments_are", {kOpen, flash("u1", true), post("u1", "install-camera")},
        {"1 session.no_image", "2 session.argument_missing"}, 0},
    // Where a step may stand.
    {"nvme_before_the_flash", {kOpen, pre("set-nvme")}, {"1 session.phase"}, 0},
    {"nvme_by_its_other_name", {kOpen, pre("install-nvme")}, {"1 session.phase"}, 0},
    {"http_check_before_the_flash", {kOpen, pre("http-check")}, {"1 session.phase"}, 0},
    {"every_step_of_both_sides", {kOpen, pre("install-mcutool"), pre("set-wifi-ap", ap()), pre("set-wifi-station", {{"ssid", "Guest"}}),
        pre("set-service", {{"develop", 1}, {"url", "https://api.example"}}), pre("install-camera"), kBuild, flash("u1", true),
        post("u1", "install-mcutool"), post("u1", "set-wifi-ap", ap()), post("u1", "set-wifi-station", {{"ssid", "Guest"}, {"password", ""}}),
        post("u1", "set-service"), post("u1", "set-serial", serial_args("S1", "t1")), post("u1", "set-nvme"),
        post("u1", "install-camera", kCamera), kClose}, {}, 1},
    {"post_before_its_flash", {kOpen, kBuild, post("u1", "set-nvme"), flash("u1", true)}, {"2 session.not_flashed"}, 1},
    {"post_on_another_unit", {kOpen, flash("u1", false), post("u2", "set-nvme")}, {"2 session.not_flashed"}, 1},
    {"camera_version_before_the_flash", {kOpen, pre("install-camera", kCamera)}, {"1 session.argument_phase"}, 0},
    {"camera_without_version_afterwards", {kOpen, flash("u1", false), post("u1", "install-camera")},
        {"2 session.argument_missing"}, 1},
    {"mcutool_cannot_be_turned_off_on_a_unit", {kOpen, flash("u1", false), post("u1", "install-mcutool", {{"enabled", false}})},
        {"2 session.argument_phase"}, 1},
    {"after_recovery_comes_a_flash", {kOpen, flash("u1", false), post("u1", "to-recovery"), post("u1", "set-nvme"), flash("u1", true),
        post("u1", "set-nvme")}, {"3 session.in_recovery"}, 1},
    // Once after each flash.
    {"nvme_twice", {kOpen, flash("u1", false), post("u1", "set-nvme"), post("u1", "install-nvme")}, {"3 session.once"}, 1},
    {"nvme_again_after_a_new_flash", {kOpen, flash("u1", false), post("u1", "set-nvme"), flash("u1", true), post("u1", "set-nvme")}, {}, 1},
    {"nvme_once_for_each_unit", {kOpen, kBuild, flash("u1", true), flash("u2", true), post("u1", "set-nvme"), post("u2", "set-nvme")}, {}, 1},
    // Serials.
    {"serial_before_the_flash", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false)}, {}, 1},
    {"serial_in_an_image_for_two", {kOpen, pre("set-serial", serial_args("S1", "t1")), kBuild, flash("u1", true), flash("u2", true)},
        {"4 session.one_unit"}, 1},
    {"serial_rebuilt_for_two", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false), flash("u2", false)},
        {"3 session.one_unit"}, 1},
    {"each_its_own_serial", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false), pre("set-serial", serial_args("S2", "t2")),
        flash("u2", false)}, {}, 2},
    {"its_own_serial_but_the_old_image", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false),
        pre("set-serial", serial_args("S2", "t2")), flash("u2", true)}, {"4 session.stale_image"}, 1},
    {"the_same_unit_again", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false), flash("u1", true)}, {}, 1},
    {"replaced_before_it_was_used", {kOpen, pre("set-serial", serial_args("S1", "t1")), pre("set-serial", serial_args("S2", "t2")), flash("u1", false)}, {}, 1},
    {"serial_on_both_sides_the_same", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false),
        post("u1", "set-serial", serial_args("S1", "t1"))}, {}, 1},
    {"serial_on_both_sides_another", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false),
        post("u1", "set-serial", serial_args("S2", "t2"))}, {"3 session.serial_other"}, 1},
    {"one_serial_for_two_units", {kOpen, kBuild, flash("u1", true), flash("u2", true), post("u1", "set-serial", serial_args("S1", "t1")),
        post("u2", "set-serial", serial_args("S1", "t1"))}, {"5 session.one_unit"}, 1},
    {"one_serial_in_other_letters", {kOpen, kBuild, flash("u1", true), flash("u2", true), post("u1", "set-serial", serial_args("s1", "t1")),
        post("u2", "set-serial", serial_args("S1", "t1"))}, {"5 session.serial_pair", "5 session.one_unit"}, 1},
    {"serial_with_another_token", {kOpen, pre("set-serial", serial_args("S1", "t1")), pre("set-serial", serial_args("S1", "t2"))},
        {"2 session.serial_pair"}, 0},
    {"token_with_another_serial", {kOpen, pre("set-serial", serial_args("S1", "t1")), pre("set-serial", serial_args("S2", "t1"))},
        {"2 session.serial_pair"}, 0},
    {"serial_of_a_unit_into_an_image", {kOpen, flash("u1", false), post("u1", "set-serial", serial_args("S1", "t1")),
        pre("set-serial", serial_args("S1", "t1")), flash("u2", false)}, {"4 session.one_unit"}, 1},
    {"serials_afterwards_in_a_new_session", {kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false), kClose, kOpen,
        flash("u2", false), post("u2", "set-serial", serial_args("S2", "t2")), kClose}, {}, 2},
    {"a_token_is_needed", {kOpen, pre("set-serial", {{"serial", "S1"}})}, {"1 session.argument_missing"}, 0},
    // Not held: the default preparation, and the flash at once.
    {"not_held", {{{"do", "open"}, {"hold_before_flash", false}}, pre("set-wifi-ap", ap()), kBuild, flash("u1", true), flash("u2", false)},
        {"1 session.not_held", "2 session.not_held", "3 session.not_held"}, 1},
};
// clang-format on
INSTANTIATE_TEST_SUITE_P(Session, Rules, ::testing::ValuesIn(kSessions),
                         [](const auto& each) { return std::string(each.param.name); });

Json unit_of(const Report& report, const char* name) {
    return to_json(report, "f").at("units").at(name);
}

TEST(SessionUnits, Pass_only_with_serial_camera_and_ssd) {
    const Json all{kOpen,
                   flash("u1", false),
                   post("u1", "set-serial", serial_args("S1", "t1")),
                   post("u1", "install-nvme"),
                   post("u1", "install-camera", kCamera),
                   kClose};
    EXPECT_EQ(unit_of(check(all), "u1").at("can_pass"), true);
    EXPECT_EQ(unit_of(check(all), "u1").at("missing"), Json::array());
    EXPECT_EQ(unit_of(check(all), "u1").at("ran"),
              Json({"set-serial", "set-nvme", "install-camera"}));
    const std::map<std::size_t, const char*> names{
        {2, "set-serial"}, {3, "set-nvme"}, {4, "install-camera"}};
    for (const auto& [index, name] : names) {
        Json without = all;
        without.erase(index);
        const Report report = check(without);
        EXPECT_TRUE(report.accepted()) << name;
        EXPECT_EQ(unit_of(report, "u1").at("can_pass"), false) << name;
        EXPECT_EQ(unit_of(report, "u1").at("missing"), Json::array({name}));
        EXPECT_EQ(report.warnings_total, 1U);
    }
}

TEST(SessionUnits, New_flash_takes_everything_away) {
    const Report report =
        check({kOpen, flash("u1", false), post("u1", "set-serial", serial_args("S1", "t1")),
               post("u1", "set-nvme"), post("u1", "install-camera", kCamera), flash("u1", true),
               post("u1", "set-nvme"), kClose});
    EXPECT_TRUE(report.accepted());
    EXPECT_EQ(unit_of(report, "u1").at("missing"), Json({"set-serial", "install-camera"}));
    EXPECT_EQ(unit_of(report, "u1").at("ran"), Json({"set-nvme"}));
}

TEST(SessionUnits, Serial_before_the_flash_counts) {
    const Report report =
        check({kOpen, pre("set-serial", serial_args("S1", "t1")), flash("u1", false),
               post("u1", "set-nvme"), post("u1", "install-camera", kCamera), kClose});
    EXPECT_EQ(unit_of(report, "u1").at("can_pass"), true);
    EXPECT_EQ(unit_of(report, "u1").at("in_force").at("set-serial"),
              Json({{"serial", "S1"}, {"token", "set"}}));
}

TEST(SessionUnits, What_is_there_is_skipped) {
    Json actions{kOpen, flash("u1", false), post("u1", "install-mcutool"),
                 post("u1", "install-camera", kCamera), post("u1", "install-camera", kCamera)};
    Json unit = unit_of(check(actions), "u1");
    EXPECT_EQ(unit.at("ran"), Json({"install-camera"}));
    EXPECT_EQ(unit.at("skipped"), Json({"install-mcutool", "install-camera"}));
    // Left out of the image, it is installed afterwards, once.
    actions = {{{"do", "open"}, {"install_mcutool", false}},
               flash("u1", false),
               post("u1", "install-mcutool"),
               post("u1", "install-mcutool")};
    unit = unit_of(check(actions), "u1");
    EXPECT_EQ(unit.at("ran"), Json({"install-mcutool"}));
    EXPECT_EQ(unit.at("skipped"), Json({"install-mcutool"}));
    // A second formatting is kept from the unit's data.
    unit = unit_of(
        check({kOpen, flash("u1", false), post("u1", "set-nvme"), post("u1", "set-nvme")}), "u1");
    EXPECT_EQ(unit.at("ran"), Json({"set-nvme"}));
    EXPECT_EQ(unit.at("skipped"), Json({"set-nvme"}));
}

TEST(SessionUnits, What_is_in_force_holds_for_all_following_flashes_until_close) {
    const Report report =
        check({kOpen, flash("u0", false), pre("set-wifi-ap", ap()), pre("install-camera"), kBuild,
               flash("u1", true), flash("u2", true), kClose, kOpen, flash("u3", false), kClose});
    ASSERT_TRUE(report.accepted());
    const Json shown_ap{{"address", "10.0.0.1"}, {"ssid", "Line"}, {"password", "set"}};
    for (const char* name : {"u1", "u2"}) {
        EXPECT_EQ(unit_of(report, name).at("in_force").at("set-wifi-ap"), shown_ap);
        EXPECT_EQ(unit_of(report, name).at("in_force").at("install-camera"),
                  Json({{"installer", "copied"}}));
    }
    for (const char* name : {"u0", "u3"}) {
        EXPECT_EQ(unit_of(report, name).at("in_force"),
                  Json({{"install-mcutool", {{"enabled", true}}}}));
    }
    EXPECT_EQ(to_json(report, "f").at("in_force"), Json::object());
}

TEST(SessionUnits, What_is_set_on_one_unit_stays_its_own) {
    const Report report = check({kOpen, pre("set-wifi-ap", ap("Line")), kBuild, flash("u1", true),
                                 flash("u2", true), post("u1", "set-wifi-ap", ap("Own")), kClose});
    EXPECT_EQ(unit_of(report, "u1").at("in_force").at("set-wifi-ap").at("ssid"), "Own");
    EXPECT_EQ(unit_of(report, "u2").at("in_force").at("set-wifi-ap").at("ssid"), "Line");
}

TEST(SessionUnits, Open_network_and_missing_token_are_shown_as_none) {
    const Report report = check({kOpen, pre("set-wifi-station", {{"ssid", "Guest"}}),
                                 pre("set-serial", {{"serial", "S1"}}), flash("u1", false), kClose},
                                true);
    ASSERT_TRUE(report.accepted());
    const Json force = unit_of(report, "u1").at("in_force");
    EXPECT_EQ(force.at("set-wifi-station").at("password"), "none");
    EXPECT_EQ(force.at("set-serial").at("token"), "none");
}

TEST(SessionUnits, Image_of_one_unit_is_told_before_it_is_written) {
    const Report report =
        check({kOpen, pre("set-serial", serial_args("S1", "t1")), kBuild, kClose});
    ASSERT_EQ(report.warnings_total, 1U);
    EXPECT_EQ(report.warnings[0].index, 2U);
    EXPECT_NE(report.warnings[0].refusal.what.find("one unit"), std::string::npos);
}

}  // namespace
}  // namespace lineside::provisioning::session
