// SPDX-License-Identifier: Apache-2.0
#include "station/config/recipe_reader.h"

#include "provisioning/step_table.h"
#include "station/base/text.h"
#include "station/config/disk_recipe.h"
#include "station/config/session_reader.h"
#include "station/config/table_reader.h"
#include "station/core/step_view.h"
#include "workers/container/settings.h"

namespace lineside::config {
namespace {

using base::Json;
using core::StepPlan;

constexpr std::string_view kFlash = "flash";

core::OnInterrupt on_interrupt_of(provisioning::OnInterrupt value) {
    switch (value) {
        case provisioning::OnInterrupt::rerun:
            return core::OnInterrupt::rerun;
        case provisioning::OnInterrupt::verify:
            return core::OnInterrupt::verify;
        case provisioning::OnInterrupt::hold:
            return core::OnInterrupt::hold;
    }
    return core::OnInterrupt::hold;
}

// Steps before the flash are read by session_reader.h; these stand on the booted unit.
void check_phase(TableReader& in, const provisioning::StepFacts& facts) {
    if (in.text("phase", "post") != "post") {
        in.complain("phase", "must be \"pre\" or \"post\": before the flash or on the booted unit");
    } else if (!facts.post_flash) {
        in.complain("phase", fmt::format("{} runs only before the flash", facts.name));
    }
    if (facts.to_recovery) {
        in.complain("use", fmt::format("{} leaves the unit in recovery mode, so it cannot be part "
                                       "of a recipe",
                                       facts.name));
    }
}

StepPlan read_step(const toml::table& table, const std::string& file,
                   std::vector<Complaint>& complaints) {
    TableReader in(&table, &table, "recipe.step", file, complaints);
    StepPlan plan;
    plan.name = in.required_text("use");
    plan.dot = core::dot_of(plan.name);
    plan.silence = in.seconds("silence_s", plan.name == kFlash ? 60 : 90);
    plan.total = in.seconds("total_s", plan.name == kFlash ? 1800 : 900);
    if (plan.name == kFlash) {
        plan.method = in.text("method", "jetson-usb");
        plan.retries = static_cast<int>(in.number("retries", 0, 0, 5));
        plan.params = in.rest();
        return plan;
    }
    plan.method = "provision-ssh";
    const auto* facts = provisioning::find_step_or_alias(plan.name);
    if (facts == nullptr) {
        std::vector<std::string_view> known{kFlash};
        for (const auto& step : provisioning::step_table()) {
            known.push_back(step.name);
        }
        const std::string near = base::nearest(plan.name, known);
        in.complain("use", near.empty() ? fmt::format("no step is called '{}'", plan.name)
                                        : fmt::format("no step is called '{}'; did you mean '{}'?",
                                                      plan.name, near));
        (void)in.rest();
        return plan;
    }
    plan.name = facts->name;  // one name, so that a step under both is there twice
    check_phase(in, *facts);
    plan.on_interrupt = on_interrupt_of(facts->on_interrupt);
    plan.retries = static_cast<int>(in.number("retries", facts->retries, 0, facts->retries));
    plan.params = in.rest();
    for (const auto& param : facts->params) {
        const auto given = plan.params.find(param.name);
        if (given != plan.params.end() && is_of_unit(param, *given)) {
            plan.unit_fields[std::string(param.name)] = param.of_unit;
            if (param.secret) {
                plan.params.erase(given);
            }
            continue;
        }
        if (param.secret && param.required && given == plan.params.end()) {
            in.complain("use", fmt::format("{}: \"{}\" is missing", plan.name, param.name));
        }
        if (!param.secret || given == plan.params.end()) {
            continue;
        }
        if (const std::string wanted = provisioning::form_problem(param.form, *given);
            !wanted.empty()) {
            in.complain(param.name, fmt::format("{}: must be {}", plan.name, wanted));
        } else {
            plan.secrets[std::string(param.name)] = base::Secret(given->get<std::string>());
        }
        plan.params.erase(given);
    }
    if (auto checked = provisioning::check_params(*facts, plan.params); !checked) {
        in.complain("use", checked.error().message);
    }
    plan.params["step"] = plan.name;
    return plan;
}

void check_order(TableReader& in, const std::vector<StepPlan>& steps) {
    if (steps.empty() || steps.front().name != kFlash) {
        in.complain("step", "the first step must be use = \"flash\"");
        return;
    }
    const auto place = [&](std::string_view name) {
        return std::find_if(steps.begin(), steps.end(),
                            [&](const StepPlan& s) { return s.name == name; });
    };
    for (const auto& facts : provisioning::step_table()) {
        const auto at = place(facts.name);
        if (facts.required && at == steps.end()) {
            in.complain("step", fmt::format("step '{}' is missing: without it no unit can pass",
                                            facts.name));
        }
        if (facts.changes_unit && at != steps.end() && at < place("prove-image")) {
            in.complain(
                "step",
                fmt::format("step '{}' changes the unit, so it must stand behind prove-image",
                            facts.name));
        }
    }
    for (std::size_t i = 1; i < steps.size(); ++i) {
        if (place(steps[i].name) != steps.begin() + static_cast<std::ptrdiff_t>(i)) {
            in.complain("step", fmt::format("step '{}' is there twice", steps[i].name));
        }
    }
    for (const StepPlan& step : steps) {
        if (!step.unit_fields.empty() && place(step.name) < place("set-serial")) {
            in.complain("step", fmt::format("step '{}' takes {{{}}} of the unit, so it must stand "
                                            "behind set-serial",
                                            step.name, step.unit_fields.begin()->second));
        }
    }
    if (place("read-serial") != steps.end() && place("read-serial") < place("set-serial")) {
        in.complain("step", "read-serial must stand behind set-serial");
    }
}

// A name that the BSP's scripts are given as an argument.
void check_word(TableReader& in, std::string_view key, const std::string& value) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '+' || c == '-';
    };
    if (!value.empty() && (value.front() == '-' || value.size() > 64 ||
                           !std::all_of(value.begin(), value.end(), fits))) {
        in.complain(key, "must be a word of letters, digits, '.', '_', '+' and '-'");
    }
}

// What the image is built with, as the method image-build takes it.
Json read_image(const toml::table* table, const toml::table& profile, const std::string& file,
                std::vector<Complaint>& complaints) {
    TableReader in(table, &profile, "profile.image", file, complaints);
    (void)in.text("release", "");
    (void)in.flag("sign", false);
    in.check_texts("mutable");
    in.check_texts("unproven");
    if (const toml::table* env = in.table("env"); env != nullptr) {
        for (const auto& [name, value] : *env) {
            if (!value.is_string()) {
                in.complain("env", fmt::format("{} must be text in quotes", name.str()));
            }
        }
    }
    in.finish();
    return table == nullptr ? Json::object() : to_json(*table);
}

// Which modules may be flashed: without it the vendor's tool flashes a wrong one without a word.
Json read_expect(const toml::table* table, const toml::table& profile, bool needed,
                 const std::string& file, std::vector<Complaint>& complaints) {
    TableReader in(table, &profile, "profile.expect", file, complaints);
    if (table == nullptr && !needed) {
        return Json::object();
    }
    (void)in.required_text("id");
    in.check_texts("sku", true);
    in.check_texts("fab", true);
    in.finish();
    return table == nullptr ? Json::object() : to_json(*table);
}

}  // namespace

Recipes read_recipes(const std::vector<const toml::table*>& tables, const std::string& file,
                     std::vector<Complaint>& complaints) {
    Recipes recipes;
    for (const toml::table* table : tables) {
        TableReader in(table, table, "recipe", file, complaints);
        const std::string id = in.required_text("id");
        Recipe recipe;
        std::vector<PreStepRead> before;
        const auto step_tables = in.tables("step");
        const bool disk = writes_disk(step_tables);
        for (const toml::table* step : step_tables) {
            if (disk || !is_before_flash(*step)) {
                recipe.steps.push_back(disk ? read_disk_step(*step, file, complaints)
                                            : read_step(*step, file, complaints));
                continue;
            }
            before.push_back(read_pre_step(*step, file, complaints));
            if (!recipe.steps.empty()) {
                TableReader(step, step, "recipe.step", file, complaints)
                    .complain("phase",
                              "\"pre\" is before the flash, but the step stands behind it: "
                              "put it before use = \"flash\"");
            }
        }
        if (disk) {
            check_disk_order(in, recipe.steps);
        } else {
            check_order(in, recipe.steps);
            (void)in.table("session");
            recipe.prepare = read_session(*table, before, recipe.steps, file, complaints);
        }
        if (!recipes.emplace(id, std::move(recipe)).second) {
            in.complain("id", fmt::format("recipe {} is there twice", id));
        }
        in.finish();
    }
    return recipes;
}

// The container that the flash tools run in; null = they run on the host.
Json read_container(const toml::table* table, const toml::table& profile, bool flashes_jetsons,
                    const std::string& file, std::vector<Complaint>& complaints) {
    TableReader in(table, &profile, "profile.container", file, complaints);
    if (!in.there()) {
        return nullptr;
    }
    container::Settings settings;
    settings.image = in.required_text("image");
    settings.digest = in.text("digest", "");
    settings.engine = in.text("engine", "");
    for (const container::Wrong& wrong : container::check(settings)) {
        if (wrong.field != "image" || !settings.image.empty()) {  // told as missing already
            in.complain(wrong.field, wrong.what);
        }
    }
    if (!flashes_jetsons) {
        in.complain("image",
                    "is for method jetson-usb alone: the other methods run no tools of a vendor; "
                    "leave [profile.container] out");
    }
    in.finish();
    return container::to_json(settings);
}

core::Profile read_profile(const toml::table& table, const Recipes& recipes,
                           const std::string& file, std::vector<Complaint>& complaints) {
    TableReader in(&table, &table, "profile", file, complaints);
    core::Profile profile;
    profile.id = in.required_text("id");
    if (!profile.id.empty() && !base::is_name(profile.id)) {
        in.complain("id", "must be small letters, digits and '-', at most 32");
    }
    profile.name = in.text("name", profile.id);
    profile.model = in.required_text("model");
    profile.bsp = in.required_text("bsp");
    profile.label = in.text("label", "");
    const std::string recipe = in.required_text("recipe");
    if (const auto found = recipes.find(recipe); found != recipes.end()) {
        profile.steps = found->second.steps;
        profile.prepare = found->second.prepare;
    } else if (!recipe.empty()) {
        in.complain("recipe", fmt::format("there is no recipe '{}'", recipe));
    }
    const auto has = [&](std::string_view name, std::string_view method) {
        return std::any_of(profile.steps.begin(), profile.steps.end(), [&](const StepPlan& step) {
            return step.name == name && step.method == method;
        });
    };
    profile.disk = has(kFlash, "media-writer");
    if (profile.disk) {
        std::optional<std::uint64_t> serial_at;
        for (const StepPlan& step : profile.steps) {
            if (step.name == "set-serial") {
                serial_at = step.params.value("at", std::uint64_t{0});
            }
        }
        profile.serials = serial_at.has_value();
        profile.image_params =
            read_disk_image(in.table("image"), table, file, serial_at, complaints);
        in.finish();
        return profile;
    }
    profile.board = in.required_text("board");
    profile.rootdev = in.required_text("rootdev");
    profile.boot = in.seconds("boot_s", 300);

    check_word(in, "board", profile.board);
    check_word(in, "rootdev", profile.rootdev);
    const bool flashes_jetsons = has(kFlash, "jetson-usb");
    profile.image_params = read_image(in.table("image"), table, file, complaints);
    const Json expect = read_expect(in.table("expect"), table, flashes_jetsons, file, complaints);
    const Json container =
        read_container(in.table("container"), table, flashes_jetsons, file, complaints);
    if (!container.is_null()) {
        profile.image_params["container"] = container;
    }

    // How to log in: the same for every step on the unit.
    TableReader ssh(in.table("ssh"), &table, "profile.ssh", file, complaints);
    const std::string password = ssh.text("password", "");
    const Json login = ssh.rest();
    for (StepPlan& step : profile.steps) {
        if (step.name == kFlash) {
            // What is made into the image is what the flash writes: a tree, or a package of a kind.
            const std::string way = step.params.value("way", std::string("flash"));
            if (way != "flash" && flashes_jetsons) {
                profile.image_params["way"] = way;
            }
            step.params["board"] = profile.board;
            step.params["rootdev"] = profile.rootdev;
            step.params["boot_s"] = profile.boot.count() / 1000;
            if (!expect.empty()) {
                step.params["expect_board"] = expect;
            }
            if (!container.is_null()) {
                step.params["container"] = container;
                if (step.params.value("way", Json("flash")) == Json("initrd")) {
                    TableReader(&table, &table, "profile", file, complaints)
                        .complain("container",
                                  "way \"initrd\" runs on the host alone: leave it out");
                }
            }
            continue;
        }
        for (const auto& [name, value] : login.items()) {
            step.params.emplace(name, value);
        }
        if (const auto* facts = provisioning::find_step(step.name); facts != nullptr) {
            if (provisioning::find_param(*facts, "boot_s")) {
                step.params.emplace("boot_s", profile.boot.count() / 1000);
            }
            // The step's own parameters were checked with the recipe; the login is told about once.
            const auto checked = provisioning::check_params(*facts, step.params);
            if (!checked && step.name == "wait-unit") {
                ssh.complain("user", checked.error().message);
            }
        }
        if (!password.empty()) {
            step.secrets["ssh_password"] = base::Secret(password);
        }
    }
    in.finish();
    return profile;
}

}  // namespace lineside::config
