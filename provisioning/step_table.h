// SPDX-License-Identifier: Apache-2.0
// What is fixed about each step on a booted unit: where it may stand, whether it may be tried
// again, what to do when the service died in it, and its parameters with their legal forms. The
// station reads recipes by this table, the worker runs by it; it needs no SSH. Thread: any
// (constant data).
#pragma once

#include "provisioning/fields.h"

#include <optional>
#include <span>
#include <string_view>

namespace lineside::provisioning {

// What a station may do with a step that was running when the station died.
enum class OnInterrupt {
    rerun,   // run it again: the same result
    verify,  // run it again: it looks first whether its work is done, and fails if that is unclear
    hold,    // a person decides
};

struct ParamFact {
    std::string_view name;
    Form form;
    bool required = false;
    std::string_view otherwise;  // the default in words, for pages; "" = none
    bool secret = false;         // belongs into the profile's secrets, not into params
    // Field of a batch it may come from instead, as "{ap_ssid}"; "" = none.
    std::string_view of_unit{};
};

// When an argument of a prepared session must be there.
enum class Need {
    optional,
    always,
    unless_test,  // may be left out in a session that is marked test-only
    post_flash,   // must be there on a booted unit, and is refused before the flash
    pre_flash,    // may be there before the flash, and is refused on a booted unit
};

// An argument as the steps' own scripts take it, which a prepared session gives by name: what a
// recipe takes from elsewhere (the serial from the pool) is an argument there.
struct ArgFact {
    std::string_view name;
    Form form;
    Need need = Need::always;
    bool secret = false;
    std::string_view alias{};      // another name for it: the script's option or the recipe's
    std::string_view otherwise{};  // the default in words; "" = none
};

struct StepFacts {
    std::string_view name;   // "set-serial": in recipes, codes (step.set-serial) and logs
    bool pre_flash = false;  // allowed before the flash, in the build area of a prepared session
    bool post_flash = true;  // allowed on the booted unit
    int retries = 0;         // automatic ones on top of the first try; 0 = may not be retried
    OnInterrupt on_interrupt = OnInterrupt::rerun;
    bool once_per_flash = false;  // asks once.begin before and once.done after
    bool asks_identity = false;   // asks identity.issue
    bool required = false;        // a recipe without it can never PASS
    bool changes_unit = true;     // prove-image must stand before it
    std::span<const ParamFact> params;
    std::span<const ArgFact> args{};
    // Done before the flash it is good for one unit: the image holds it.
    bool of_one_unit = false;
    // A unit of a prepared session cannot pass without it.
    bool session_needs = false;
    std::string_view alias{};  // another name of the step
    bool to_recovery = false;  // leaves the unit in recovery mode: a flash must follow
};

// In the order in which a recipe should have them.
[[nodiscard]] std::span<const StepFacts> step_table();
[[nodiscard]] const StepFacts* find_step(std::string_view name);  // nullptr: no such step
// The same, under its other name too.
[[nodiscard]] const StepFacts* find_step_or_alias(std::string_view name);
// Parameters every step has: who to log in as, where, and how to become root.
[[nodiscard]] std::span<const ParamFact> common_params();
// The fact of parameter `param` of `step`, common ones included.
[[nodiscard]] std::optional<ParamFact> find_param(const StepFacts& step, std::string_view param);

// Checks a step's params as a profile gives them ("step" itself is skipped). Secrets are checked
// apart. Errors: config.invalid naming the parameter, with the nearest known name for an unknown
// one.
[[nodiscard]] base::Status check_params(const StepFacts& step, const base::Json& params);

}  // namespace lineside::provisioning
