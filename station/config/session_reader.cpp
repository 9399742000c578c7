// SPDX-License-Identifier: Apache-2.0
#include "station/config/session_reader.h"

#include "station/base/text.h"
#include "station/config/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::config {
namespace {

using base::Json;
using provisioning::ArgFact;
using provisioning::StepFacts;
namespace session = provisioning::session;

constexpr std::string_view kMcutool = "install-mcutool";
constexpr std::string_view kStepName = "recipe.step";

// The name under which `arg` stands in the step's own table.
std::string_view key_in(const toml::table& table, const StepFacts& step, std::string_view arg) {
    for (const ArgFact& fact : step.args) {
        if (fact.name == arg && !table.contains(fact.name) && table.contains(fact.alias)) {
            return fact.alias;
        }
    }
    return arg;
}

// A refusal of the session's rules where the recipe says what is refused.
void complain_at(const toml::table& table, const StepFacts* step, const session::Refusal& refusal,
                 const std::string& file, std::vector<Complaint>& complaints) {
    TableReader in(&table, &table, std::string(kStepName), file, complaints);
    constexpr std::string_view kArgs = "args.";
    std::string_view key = "use";
    if (refusal.code == "session.phase") {
        in.complain("phase",
                    fmt::format("{}: put it behind the flash, without phase", refusal.what));
        return;
    }
    if (step != nullptr && refusal.field.starts_with(kArgs)) {
        key = key_in(table, *step, std::string_view(refusal.field).substr(kArgs.size()));
    }
    in.complain(key, fmt::format("{}. {}", refusal.what, refusal.remedy));
}

// The argument that the parameter `param` of a recipe is, "" where it is none.
std::string_view arg_of(const StepFacts& step, std::string_view param) {
    for (const ArgFact& fact : step.args) {
        if (fact.name == param || fact.alias == param) {
            return fact.name;
        }
    }
    return {};
}

// What a step on the booted unit is given, by the names of a session.
session::RecipeStep as_session_step(const core::StepPlan& plan, const StepFacts& facts) {
    session::RecipeStep step;
    step.step = &facts;
    Json given = Json::object();
    for (const auto& [name, value] : plan.params.items()) {
        if (!plan.unit_fields.contains(name) && !arg_of(facts, name).empty()) {
            given[name] = value;
        }
    }
    step.args = session::make_args(facts, given);
    for (const auto& [name, secret] : plan.secrets) {
        if (const auto arg = arg_of(facts, name); !arg.empty()) {
            step.args.secrets[std::string(arg)] = secret;
        }
    }
    for (const auto& [name, field] : plan.unit_fields) {
        step.of_unit.emplace_back(arg_of(facts, name));
    }
    return step;
}

// One image is built and written on every unit. Building it anew for each unit would be needed for
// what a unit has of its own alone, and that is done on the booted unit.
void read_image_rule(TableReader& in) {
    const std::string image = in.text("image", "shared");
    if (image == "per-unit") {
        in.complain("image",
                    "the station builds one image and writes it on every unit; give a unit what it "
                    "has of its own on the booted unit (set-serial behind the flash), and take "
                    "\"shared\"");
    } else if (image != "shared") {
        in.complain("image", "must be \"shared\": built once, written on every unit");
    }
}

// Only an image that is built from a BSP tree here can be prepared.
void check_way(const std::vector<core::StepPlan>& post, const toml::table& at,
               const std::string& file, std::vector<Complaint>& complaints) {
    if (post.empty() || post.front().name != "flash") {
        return;  // told as wrong already
    }
    const core::StepPlan& flash = post.front();
    const Json way = flash.params.value("way", Json("flash"));
    TableReader in(&at, &at, "recipe", file, complaints);
    if (flash.method != "jetson-usb") {
        in.complain("step", fmt::format("method {} builds no image here, so nothing can be done to "
                                        "it before the flash; leave these steps and "
                                        "[recipe.session] out",
                                        flash.method));
    } else if (way != Json("flash")) {
        in.complain("step",
                    "this way writes a package that is finished, so nothing can be done to "
                    "it before the flash; leave these steps and [recipe.session] out, or "
                    "take way = \"flash\"");
    }
}

core::PreStep as_plan(const StepFacts& facts, session::Args args) {
    args = session::with_defaults(facts, std::move(args));
    return {std::string(facts.name), std::move(args.plain), std::move(args.secrets)};
}

}  // namespace

bool is_of_unit(const provisioning::ParamFact& param, const Json& value) {
    return !param.of_unit.empty() && value.is_string() &&
           value.get_ref<const std::string&>() == fmt::format("{{{}}}", param.of_unit);
}

bool is_before_flash(const toml::table& step) {
    return step["phase"].value_or(std::string_view()) == "pre";
}

PreStepRead read_pre_step(const toml::table& table, const std::string& file,
                          std::vector<Complaint>& complaints) {
    TableReader in(&table, &table, std::string(kStepName), file, complaints);
    PreStepRead read{&table, {}};
    const std::string name = in.required_text("use");
    (void)in.text("phase", "pre");
    Json given = in.rest();
    if (name == "flash") {
        in.complain("phase", "the flash is between the two: leave phase out");
        return read;
    }
    const StepFacts* facts = provisioning::find_step_or_alias(name);
    if (facts == nullptr) {
        std::vector<std::string_view> known;
        for (const StepFacts& step : provisioning::step_table()) {
            if (step.pre_flash) {
                known.push_back(step.name);
            }
        }
        const std::string near = base::nearest(name, known);
        in.complain("use", near.empty() ? fmt::format("no step is called '{}'", name)
                                        : fmt::format("no step is called '{}'; did you mean '{}'?",
                                                      name, near));
        return read;
    }
    read.step.step = facts;
    for (const provisioning::ParamFact& param : facts->params) {
        const std::string arg(arg_of(*facts, param.name));
        for (const std::string& key : {std::string(param.name), arg}) {
            if (const auto found = given.find(key);
                !key.empty() && found != given.end() && is_of_unit(param, *found)) {
                read.step.of_unit.push_back(arg);
                given.erase(found);
            }
        }
    }
    read.step.args = session::make_args(*facts, given);
    return read;
}

std::vector<core::PreStep> read_session(const toml::table& recipe,
                                        const std::vector<PreStepRead>& pre,
                                        const std::vector<core::StepPlan>& post,
                                        const std::string& file,
                                        std::vector<Complaint>& complaints) {
    const toml::table* table = recipe["session"].as_table();
    if (pre.empty() && table == nullptr) {
        return {};
    }
    TableReader in(table, &recipe, "recipe.session", file, complaints);
    const bool mcutool = in.flag("install_mcutool", true);
    read_image_rule(in);
    in.finish();
    check_way(post, recipe, file, complaints);

    std::vector<session::RecipeStep> before;
    std::vector<const toml::table*> tables;
    for (const PreStepRead& each : pre) {
        if (each.step.step == nullptr) {
            continue;
        }
        const bool twice = std::any_of(before.begin(), before.end(), [&](const auto& other) {
            return other.step == each.step.step;
        });
        if (twice) {
            TableReader(each.table, each.table, std::string(kStepName), file, complaints)
                .complain("use", fmt::format("step '{}' is there twice before the flash: the "
                                             "second would replace the first; leave one out",
                                             each.step.step->name));
            continue;
        }
        before.push_back(each.step);
        tables.push_back(each.table);
    }
    auto prepared = session::prepare(mcutool, before);
    std::vector<session::RecipeStep> after;
    for (const core::StepPlan& plan : post) {
        if (const StepFacts* facts = provisioning::find_step(plan.name); facts != nullptr) {
            after.push_back(as_session_step(plan, *facts));
        }
    }
    session::try_units(prepared, after);
    for (const session::RecipeRefusal& each : prepared.refusals) {
        if (each.pre && each.index) {
            complain_at(*tables[*each.index], before[*each.index].step, each.refusal, file,
                        complaints);
            continue;
        }
        if (each.missing == nullptr || !each.missing->required) {  // else check_order() says so
            TableReader(&recipe, &recipe, "recipe", file, complaints)
                .complain("step", fmt::format("{}. {}", each.refusal.what, each.refusal.remedy));
        }
    }

    std::vector<core::PreStep> steps;
    const auto& in_force = prepared.session.in_force();
    const auto given = [&](std::string_view name) {
        return std::any_of(before.begin(), before.end(),
                           [&](const auto& each) { return each.step->name == name; });
    };
    if (in_force.contains(std::string(kMcutool)) && !given(kMcutool)) {  // the default preparation
        steps.push_back(as_plan(*provisioning::find_step(kMcutool), {}));
    }
    for (const session::RecipeStep& each : before) {
        if (in_force.contains(std::string(each.step->name))) {
            steps.push_back(as_plan(*each.step, each.args));
        }
    }
    return steps;
}

}  // namespace lineside::config
