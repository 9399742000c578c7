// SPDX-License-Identifier: Apache-2.0
// What one image for many units may hold, and what a recipe must do to each of them.
#include "provisioning/session/preparation.h"

#include <gtest/gtest.h>

namespace lineside::provisioning::session {
namespace {

RecipeStep step(std::string_view name, const base::Json& args = base::Json::object(),
                std::vector<std::string> of_unit = {}) {
    const StepFacts* facts = find_step_or_alias(name);
    return {facts, make_args(*facts, args), std::move(of_unit)};
}

std::vector<std::string> told(const Prepared& prepared) {
    std::vector<std::string> out;
    for (const RecipeRefusal& each : prepared.refusals) {
        out.push_back((each.index ? std::to_string(*each.index) : std::string("-")) +
                      (each.pre ? " pre " : " post ") + each.refusal.code + " " +
                      each.refusal.field);
        EXPECT_NE(each.refusal.remedy, "");
        const auto codes = refusal_codes();
        EXPECT_NE(std::find(codes.begin(), codes.end(), each.refusal.code), codes.end());
    }
    return out;
}
using Told = std::vector<std::string>;

const std::vector<RecipeStep> kUnit{step("set-nvme"), step("set-serial"),
                                    step("install-camera", {{"version", "2.11.0"}})};

}  // namespace

TEST(Preparation, Holds_for_every_unit_and_builds_once) {
    auto prepared =
        prepare(true, {step("set-wifi-ap", {{"ssid", "Line"}, {"password", "12345678"}}),
                       step("install-camera")});
    try_units(prepared, kUnit);
    EXPECT_EQ(told(prepared), Told());
    EXPECT_EQ(prepared.session.builds(), 1);
    const base::Json in_force = shown(prepared.session.in_force());
    EXPECT_EQ(in_force,
              (base::Json{{"install-camera", {{"installer", "copied"}}},
                          {"install-mcutool", {{"enabled", true}}},
                          {"set-wifi-ap",
                           {{"address", "10.0.0.1"}, {"ssid", "Line"}, {"password", "set"}}}}));
    for (const auto& [unit, state] : prepared.session.units()) {
        EXPECT_EQ(state.missing(), std::vector<std::string>()) << unit;
        EXPECT_TRUE(state.in_force.contains("set-wifi-ap")) << unit;
    }
    EXPECT_EQ(prepared.session.units().size(), 2U);
    Action close;
    close.what = Do::close;
    EXPECT_TRUE(prepared.session.act(close).empty());
    EXPECT_TRUE(prepared.session.in_force().empty()) << "closing resets";
}

TEST(Preparation, What_a_unit_has_of_its_own_makes_no_image_for_many) {
    auto prepared = prepare(false, {step("set-serial", {{"serial", "A1"}}),
                                    step("set-wifi-ap", {{"password", "12345678"}}, {"ssid"})});
    EXPECT_EQ(told(prepared),
              (Told{"0 pre session.one_unit step", "1 pre session.one_unit args.ssid"}));
    EXPECT_TRUE(prepared.session.in_force().empty());
}

TEST(Preparation, Refused_steps_change_nothing) {
    const auto prepared =
        prepare(false, {step("set-nvme"), step("install-camera", {{"version", "2.11.0"}}),
                        step("set-wifi-station", {{"ssid", std::string(33, 'a')}})});
    EXPECT_EQ(told(prepared),
              (Told{"0 pre session.phase step", "1 pre session.argument_phase args.version",
                    "2 pre session.argument_form args.ssid"}));
    EXPECT_TRUE(prepared.session.in_force().empty());
}

TEST(Preparation, A_unit_needs_serial_ssd_and_camera) {
    auto prepared = prepare(true, {});
    try_units(prepared, {});
    EXPECT_EQ(told(prepared),
              (Told{"- post session.step_missing step", "- post session.step_missing step",
                    "- post session.step_missing step"}));
    ASSERT_EQ(prepared.refusals.size(), 3U);
    EXPECT_EQ(prepared.refusals[0].missing->name, "set-nvme");
    EXPECT_EQ(prepared.refusals[1].missing->name, "set-serial");
    EXPECT_EQ(prepared.refusals[2].missing->name, "install-camera");
}

TEST(Preparation, Each_unit_may_have_its_own_access_point_on_the_booted_unit) {
    auto prepared = prepare(true, {});
    auto post = kUnit;
    post.push_back(step("set-wifi-ap", base::Json::object(), {"ssid", "password"}));
    try_units(prepared, post);
    EXPECT_EQ(told(prepared), Told());
    EXPECT_TRUE(prepared.session.units().at("unit-2").in_force.contains("set-wifi-ap"));
}

}  // namespace lineside::provisioning::session
