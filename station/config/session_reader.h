// SPDX-License-Identifier: Apache-2.0
// The steps of a recipe before the flash, and the rules of the prepared session that such a recipe
// is (provisioning/session): what may be done before the flash, what one image for many units may
// hold, what a unit needs to pass. Thread: any.
#pragma once

#include "provisioning/session/preparation.h"
#include "station/config/config.h"

#include "station/base/toml.h"

namespace lineside::config {

// A step before the flash as it stands in the file.
struct PreStepRead {
    const toml::table* table = nullptr;
    provisioning::session::RecipeStep step;  // step.step is nullptr: told as wrong
};

// Which side of the flash a step table is meant for; complaints about `phase` are read_step()'s.
[[nodiscard]] bool is_before_flash(const toml::table& step);
[[nodiscard]] PreStepRead read_pre_step(const toml::table& table, const std::string& file,
                                        std::vector<Complaint>& complaints);

// "{ap_ssid}": each unit has its own, leased with its serial.
[[nodiscard]] bool is_of_unit(const provisioning::ParamFact& param, const base::Json& value);

// Of the recipe `recipe`, whose steps before the flash are `pre` and the others `post`. Nothing
// where it is no prepared session: it has neither such steps nor a table [recipe.session].
[[nodiscard]] std::vector<core::PreStep> read_session(const toml::table& recipe,
                                                      const std::vector<PreStepRead>& pre,
                                                      const std::vector<core::StepPlan>& post,
                                                      const std::string& file,
                                                      std::vector<Complaint>& complaints);

}  // namespace lineside::config
