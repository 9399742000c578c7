// SPDX-License-Identifier: Apache-2.0
// Recipes and product profiles out of TOML. A recipe is an ordered list of steps, the flash first
// but for what is done before it (session_reader.h); a profile names what is made and which recipe
// makes it. Rules of the steps (which may be retried,
// which must be there) come from provisioning/step_table.h. Thread: any.
#pragma once

#include "station/config/config.h"

#include "station/base/toml.h"

#include <map>

namespace lineside::config {

struct Recipe {
    std::vector<core::PreStep> prepare;  // before the flash
    std::vector<core::StepPlan> steps;   // the flash first
};
using Recipes = std::map<std::string, Recipe>;

[[nodiscard]] Recipes read_recipes(const std::vector<const toml::table*>& tables,
                                   const std::string& file, std::vector<Complaint>& complaints);
[[nodiscard]] core::Profile read_profile(const toml::table& table, const Recipes& recipes,
                                         const std::string& file,
                                         std::vector<Complaint>& complaints);

}  // namespace lineside::config
