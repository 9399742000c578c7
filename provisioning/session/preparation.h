// SPDX-License-Identifier: Apache-2.0
// The prepared session of a recipe: its steps before the flash are done once, one image is built
// with their effects, and that image is written on every unit. The same rules as for a session that
// is written down (session.h) decide what may stand in a recipe, and what the image worker does.
// Thread: any (pure).
#pragma once

#include "provisioning/session/session.h"

#include <optional>
#include <string>
#include <vector>

namespace lineside::provisioning::session {

struct RecipeStep {
    const StepFacts* step = nullptr;  // REQUIRED
    Args args;                        // as given
    // Arguments that each unit has its own of, with its serial: not in `args`.
    std::vector<std::string> of_unit;
};

struct RecipeRefusal {
    std::optional<std::size_t> index;  // of the step; none: of the recipe as a whole
    bool pre = true;  // of the steps before the flash, else of those on the booted unit
    Refusal refusal;
    const StepFacts* missing = nullptr;  // session.step_missing: the step that is not there
};

// A session in which the steps before the flash that are allowed were done and their image built.
struct Prepared {
    Session session{Settings()};
    std::vector<RecipeRefusal> refusals;
};

// What one image can hold that is written on many units. A step that would make it good for one
// unit alone is refused: session.one_unit.
[[nodiscard]] Prepared prepare(bool install_mcutool, const std::vector<RecipeStep>& pre);

// Goes on with what a recipe does to each unit: two units get the prepared image and the steps on
// the booted unit, and each must be able to pass. Appends what is refused; forms of arguments and
// repeated steps are not told here, whoever read the recipe has done so. Steps that are missing:
// session.step_missing, once each.
void try_units(Prepared& prepared, const std::vector<RecipeStep>& post);

// Arguments with the declared defaults where nothing is given. REQUIRES: they are allowed.
[[nodiscard]] Args with_defaults(const StepFacts& step, Args args);

}  // namespace lineside::provisioning::session
