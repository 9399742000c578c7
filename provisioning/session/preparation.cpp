// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/preparation.h"

#include "provisioning/session/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace lineside::provisioning::session {
namespace {

// A value of the legal form in the place of one that each unit has its own of.
std::string stand_in(Form form, std::string_view unit) {
    switch (form) {
        case Form::wpa_password:
        case Form::wpa_password_or_none:
            return fmt::format("own-of-{}", unit);
        default:
            return std::string(unit);
    }
}

// What `unit` is given: the recipe's own arguments and those of the unit.
Args args_of(const RecipeStep& each, std::string_view unit) {
    Args args = each.args;
    for (const ArgFact& fact : each.step->args) {
        const std::string name(fact.name);
        const bool own =
            std::find(each.of_unit.begin(), each.of_unit.end(), fact.name) != each.of_unit.end();
        if (!own && !(fact.form == Form::serial && each.step->asks_identity)) {
            continue;
        }
        if (fact.secret) {
            args.secrets[name] = base::Secret(stand_in(fact.form, unit));
        } else {
            args.plain[name] = stand_in(fact.form, unit);
        }
    }
    return args;
}

// Told by whoever read the recipe, with the place.
bool is_told_already(const Refusal& refusal) {
    constexpr std::array<std::string_view, 5> kTold{
        "session.argument_form", "session.argument_missing", "session.argument_phase",
        "session.phase", "session.once"};
    return std::find(kTold.begin(), kTold.end(), refusal.code) != kTold.end();
}

Refusal of_one_unit(const StepFacts& step, std::string_view field, std::string_view why) {
    return {"session.one_unit", std::string(field),
            fmt::format("{}, so an image that holds it is good for one unit, and the image of a "
                        "recipe is written on many",
                        why),
            fmt::format("Run {} on the booted unit: put it behind the flash, without phase",
                        step.name)};
}

}  // namespace

Prepared prepare(bool install_mcutool, const std::vector<RecipeStep>& pre) {
    Settings settings;
    settings.test_only = true;  // what a unit is given is the pool's business, not the recipe's
    settings.install_mcutool = install_mcutool;
    Prepared prepared;
    prepared.session = Session(settings);
    const auto add = [&](std::size_t index, std::vector<Refusal> refusals) {
        for (Refusal& refusal : refusals) {
            prepared.refusals.push_back({index, true, std::move(refusal), nullptr});
        }
    };
    (void)prepared.session.act({});  // open: a new session is never open
    for (std::size_t i = 0; i < pre.size(); ++i) {
        const StepFacts& step = *pre[i].step;
        if (step.of_one_unit) {
            add(i, {of_one_unit(step, "step",
                                fmt::format("{} gives a unit something of its own", step.name))});
            continue;
        }
        if (!pre[i].of_unit.empty()) {
            add(i, {of_one_unit(step, "args." + pre[i].of_unit.front(),
                                fmt::format("{}: each unit has its own {}", step.name,
                                            pre[i].of_unit.front()))});
            continue;
        }
        Action action;
        action.what = Do::pre;
        action.step = &step;
        action.args = pre[i].args;
        add(i, prepared.session.act(action));
    }
    Action build;
    build.what = Do::build;
    (void)prepared.session.act(build);  // an open session that is held can always build
    return prepared;
}

void try_units(Prepared& prepared, const std::vector<RecipeStep>& post) {
    std::set<std::string> told;
    for (const char* unit : {"unit-1", "unit-2"}) {
        Action flash;
        flash.what = Do::flash;
        flash.unit = unit;
        flash.reuse = true;
        for (Refusal& refusal : prepared.session.act(flash)) {
            if (told.insert(refusal.code).second) {
                prepared.refusals.push_back({std::nullopt, false, std::move(refusal), nullptr});
            }
        }
        for (std::size_t i = 0; i < post.size(); ++i) {
            Action action;
            action.what = Do::post;
            action.unit = unit;
            action.step = post[i].step;
            action.args = args_of(post[i], unit);
            for (Refusal& refusal : prepared.session.act(action)) {
                const std::string once = fmt::format("{} {}", i, refusal.code);
                if (!is_told_already(refusal) && told.insert(once).second) {
                    prepared.refusals.push_back({i, false, std::move(refusal), nullptr});
                }
            }
        }
        for (const std::string& name : prepared.session.units().at(unit).missing()) {
            const bool meant = std::any_of(post.begin(), post.end(), [&](const RecipeStep& each) {
                return each.step->name == name;  // it is there, and what is wrong with it is told
            });
            if (!meant && told.insert(name).second) {
                prepared.refusals.push_back(
                    {std::nullopt,
                     false,
                     {"session.step_missing", "step",
                      fmt::format(
                          "{} is missing: without it no unit of a prepared session can pass", name),
                      fmt::format("Put {} behind prove-image", name)},
                     find_step(name)});
            }
        }
    }
}

Args with_defaults(const StepFacts& step, Args args) {
    return completed(step, std::move(args));
}

}  // namespace lineside::provisioning::session
