// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/session.h"

#include "provisioning/session/arguments.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::provisioning::session {
namespace {

constexpr std::string_view kSerialStep = "set-serial";
constexpr std::string_view kMcutoolStep = "install-mcutool";

constexpr std::array<std::string_view, 23> kCodes{
    // The rules.
    "session.not_open", "session.closed", "session.open_twice", "session.not_held", "session.phase",
    "session.no_image", "session.stale_image", "session.one_unit", "session.not_flashed",
    "session.in_recovery", "session.once", "session.serial_other", "session.serial_pair",
    "session.step_missing",
    // What an action says.
    "session.unknown_action", "session.unknown_step", "session.unknown_argument",
    "session.unknown_field", "session.argument_missing", "session.argument_form",
    "session.argument_phase", "session.form", "session.file"};

bool has(const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

std::string serial_of(const Args& args) {
    const auto found = args.plain.find("serial");
    return found != args.plain.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string serial_of(const std::map<std::string, Args>& steps) {
    const auto found = steps.find(std::string(kSerialStep));
    return found == steps.end() ? "" : serial_of(found->second);
}

std::string token_digest_of(const Args& args) {
    const auto found = args.secrets.find("token");
    return found == args.secrets.end() || found->second.empty()
               ? ""
               : base::sha256_hex(found->second.reveal());
}

}  // namespace

std::string_view to_text(Do what) {
    switch (what) {
        case Do::open:
            return "open";
        case Do::pre:
            return "pre";
        case Do::build:
            return "build";
        case Do::flash:
            return "flash";
        case Do::post:
            return "post";
        case Do::close:
            return "close";
    }
    return "";
}

std::span<const std::string_view> refusal_codes() {
    return kCodes;
}

std::vector<std::string> Unit::missing() const {
    const bool made = flashed && !flash_refused && !in_recovery;
    std::vector<std::string> names;
    if (!made) {
        names.emplace_back("flash");
    }
    for (const StepFacts& step : step_table()) {
        const bool done = step.name == kSerialStep ? !serial.empty() : has(ran, step.name);
        if (step.session_needs && !(made && done)) {
            names.emplace_back(step.name);
        }
    }
    return names;
}

std::vector<Refusal> Session::act(const Action& action) {
    switch (action.what) {
        case Do::open:
            return open(action);
        case Do::pre:
            return pre(action);
        case Do::build:
            return build();
        case Do::flash: {
            auto refusals = flash(action);
            units_[action.unit].flash_refused = !refusals.empty();
            return refusals;
        }
        case Do::post:
            return post(action);
        case Do::close:
            return close();
    }
    return {};
}

bool Session::is_prepared() const {
    return open_ && prepared_ && same(*prepared_, in_force_);
}

bool Session::is_of_one_unit() const {
    return std::any_of(in_force_.begin(), in_force_.end(), [](const auto& each) {
        const StepFacts* step = find_step(each.first);
        return step != nullptr && step->of_one_unit;
    });
}

Session::Refusals Session::when_not_open() const {
    if (open_) {
        return {};
    }
    if (was_open_) {
        return {{"session.closed", "do", "The session is closed, its preparation is gone",
                 "Do it before close, or open the session anew"}};
    }
    return {{"session.not_open", "do", "The session is not open", "Begin with open"}};
}

Session::Refusals Session::open(const Action& action) {
    if (open_) {
        return {{"session.open_twice", "do", "The session is open already",
                 "Leave this open out, or close the session before it"}};
    }
    open_ = true;
    was_open_ = true;
    hold_ = action.hold_before_flash.value_or(settings_.hold_before_flash);
    in_force_.clear();
    prepared_.reset();
    if (action.install_mcutool.value_or(settings_.install_mcutool)) {
        in_force_[std::string(kMcutoolStep)] = completed(*find_step(kMcutoolStep), {});
    }
    return {};
}

Session::Refusals Session::close() {
    auto refusals = when_not_open();
    if (refusals.empty()) {
        open_ = false;
        in_force_.clear();
        prepared_.reset();
    }
    return refusals;
}

Session::Refusals Session::pre(const Action& action) {
    const StepFacts& step = *action.step;
    auto refusals = when_not_open();
    if (open_ && !hold_) {
        refusals.push_back({"session.not_held", "do",
                            "The session does not stop before the flash: the default preparation "
                            "runs and the flash follows at once",
                            "Open it with hold_before_flash, or leave the step out"});
    }
    if (!step.pre_flash) {
        refusals.push_back({"session.phase", "step",
                            fmt::format("{} runs only on the booted unit", step.name),
                            "Run it as post, after the unit's flash"});
    } else {
        check_args(step, action.args, true, settings_.test_only, refusals);
    }
    if (step.name == kSerialStep && refusals.empty()) {
        check_pair(action.args, refusals);
    }
    if (!refusals.empty()) {
        return refusals;
    }
    Args args = completed(step, action.args);
    if (step.name == kSerialStep) {
        note_pair(args);
    }
    if (step.name == kMcutoolStep && !args.plain.value("enabled", true)) {
        in_force_.erase(std::string(step.name));
        return {};
    }
    if (std::any_of(step.args.begin(), step.args.end(),
                    [](const ArgFact& arg) { return arg.need == Need::post_flash; })) {
        args.plain = {{"installer", "copied"}};
    }
    in_force_[std::string(step.name)] = std::move(args);
    return {};
}

Session::Refusals Session::build() {
    auto refusals = when_not_open();
    if (open_ && !hold_) {
        refusals.push_back({"session.not_held", "do",
                            "The session does not stop before the flash, so an image cannot be "
                            "built by itself",
                            "Open it with hold_before_flash, or flash with reuse false"});
    }
    if (refusals.empty()) {
        ++builds_;
        prepared_ = in_force_;
    }
    return refusals;
}

void Session::check_owner(const std::string& serial, const std::string& unit,
                          std::string_view field, Refusals& refusals) const {
    const auto owner = owners_.find(base::to_lower_ascii(serial));
    if (serial.empty() || owner == owners_.end() || owner->second.unit.empty() ||
        owner->second.unit == unit) {
        return;
    }
    refusals.push_back(
        {"session.one_unit", std::string(field),
         fmt::format("Serial {} is on unit {}: a serial is good for one unit, and an image that "
                     "holds it is, too",
                     serial, owner->second.unit),
         field == "unit" ? "Run set-serial with this unit's own serial before its flash, or close "
                           "and open the session and run set-serial after the flash"
                         : "Give this unit a serial of its own"});
}

Session::Refusals Session::flash(const Action& action) {
    auto refusals = when_not_open();
    if (!refusals.empty()) {
        return refusals;
    }
    if (action.reuse && !hold_) {
        refusals.push_back({"session.not_held", "reuse",
                            "The session does not stop before the flash, so there is no prepared "
                            "image",
                            "Open it with hold_before_flash, or flash with reuse false"});
    } else if (action.reuse && !prepared_) {
        refusals.push_back({"session.no_image", "reuse", "No image is prepared in this session yet",
                            "Build before it, or flash with reuse false"});
    } else if (action.reuse && !is_prepared()) {
        refusals.push_back({"session.stale_image", "reuse",
                            "A step before the flash changed something since the last build: never "
                            "write the prepared image (-r) after such a change",
                            "Build again, or flash with reuse false"});
    }
    const std::string serial = serial_of(in_force_);
    check_owner(serial, action.unit, "unit", refusals);
    if (!refusals.empty()) {
        return refusals;
    }
    if (!action.reuse) {
        ++builds_;
        prepared_ = in_force_;
    }
    Unit unit;  // everything that was once on it is gone
    unit.flashed = true;
    unit.serial = serial;
    unit.in_force = in_force_;
    if (!serial.empty()) {
        owners_[base::to_lower_ascii(serial)].unit = action.unit;
    }
    units_[action.unit] = std::move(unit);
    return {};
}

void Session::check_pair(const Args& args, Refusals& refusals) const {
    const std::string serial = serial_of(args);
    const std::string key = base::to_lower_ascii(serial);
    const std::string digest = token_digest_of(args);
    const auto owner = owners_.find(key);
    if (owner != owners_.end() && owner->second.serial != serial) {
        refusals.push_back({"session.serial_pair", "args.serial",
                            fmt::format("Serial {} differs from {} only in small and large letters",
                                        serial, owner->second.serial),
                            "Spell the serial as it was issued"});
    } else if (owner != owners_.end() && !digest.empty() && !owner->second.token_digest.empty() &&
               owner->second.token_digest != digest) {
        refusals.push_back({"session.serial_pair", "args.token",
                            fmt::format("Serial {} was given another token before", serial),
                            "Give the serial its own token"});
    }
    const auto other = tokens_.find(digest);
    if (!digest.empty() && other != tokens_.end() && other->second != key) {
        refusals.push_back(
            {"session.serial_pair", "args.token",
             fmt::format("The token belongs to serial {}", owners_.at(other->second).serial),
             "Give the serial its own token"});
    }
}

void Session::note_pair(const Args& args) {
    const std::string serial = serial_of(args);
    const std::string key = base::to_lower_ascii(serial);
    const std::string digest = token_digest_of(args);
    Owner& owner = owners_[key];
    owner.serial = serial;
    if (!digest.empty()) {
        owner.token_digest = digest;
        tokens_[digest] = key;
    }
}

Session::Refusals Session::post(const Action& action) {
    const StepFacts& step = *action.step;
    auto refusals = when_not_open();
    if (!step.post_flash) {
        refusals.push_back({"session.phase", "step",
                            fmt::format("{} runs only before the flash", step.name),
                            "Run it as pre"});
    } else {
        check_args(step, action.args, false, settings_.test_only, refusals);
    }
    Unit& unit = units_[action.unit];
    if (unit.flash_refused) {
        return refusals;  // why it cannot run was told with the flash
    }
    if (!unit.flashed) {
        refusals.push_back(
            {"session.not_flashed", "unit",
             fmt::format("Unit {} has not been flashed in this session", action.unit),
             "Flash the unit first, then run the step"});
        return refusals;
    }
    if (unit.in_recovery) {
        refusals.push_back({"session.in_recovery", "unit",
                            fmt::format("Unit {} was sent to recovery mode", action.unit),
                            "Flash the unit first, then run the step"});
    }
    if (step.once_per_flash && has(unit.ran, step.name)) {
        if (open_) {
            unit.skipped.emplace_back(step.name);
        }
        refusals.push_back({"session.once", "step",
                            fmt::format("{} ran on unit {} since its flash; a second time it would "
                                        "take the unit's data away",
                                        step.name, action.unit),
                            "Leave it out, or flash the unit again before it"});
    }
    if (step.name == kSerialStep && refusals.empty()) {
        const std::string serial = serial_of(action.args);
        check_pair(action.args, refusals);
        check_owner(serial, action.unit, "args.serial", refusals);
        if (!unit.serial.empty() && unit.serial != serial) {
            refusals.push_back({"session.serial_other", "args.serial",
                                fmt::format("Unit {} has serial {} already, it is not overwritten",
                                            action.unit, unit.serial),
                                "Leave the step out, or flash the unit again before it"});
        }
    }
    if (refusals.empty()) {
        run_on_unit(action, unit);
    }
    return refusals;
}

void Session::run_on_unit(const Action& action, Unit& unit) {
    const StepFacts& step = *action.step;
    const std::string name(step.name);
    Args args = completed(step, action.args);
    const auto there = unit.in_force.find(name);
    // Where the same is there already, the step finds nothing to do.
    const bool skip =
        there != unit.in_force.end() &&
        (name == kMcutoolStep || (name == kSerialStep && serial_of(args) == unit.serial) ||
         (name == "install-camera" && same(there->second, args)));
    if (skip) {
        unit.skipped.push_back(name);
        return;
    }
    if (name == kSerialStep) {
        note_pair(args);
        unit.serial = serial_of(args);
        owners_[base::to_lower_ascii(unit.serial)].unit = action.unit;
    }
    unit.ran.push_back(name);
    unit.in_recovery = step.to_recovery;
    if (step.pre_flash || step.session_needs) {
        unit.in_force[name] = std::move(args);
    }
}

}  // namespace lineside::provisioning::session
