// SPDX-License-Identifier: Apache-2.0
#include "station/engine/image_preparation.h"

#include "provisioning/session/preparation.h"

#include <fmt/format.h>

namespace lineside::engine {

using base::Json;
namespace session = provisioning::session;

void add_preparation(const core::Profile& profile, protocol::JobLine& job) {
    if (profile.prepare.empty()) {
        return;
    }
    Json steps = Json::array();
    for (const core::PreStep& step : profile.prepare) {
        steps.push_back({{"step", step.name}, {"args", step.args}});
        for (const auto& [name, secret] : step.secrets) {
            job.secrets[fmt::format("{}.{}", step.name, name)] = std::string(secret.reveal());
        }
    }
    job.params["prepare"] = std::move(steps);
}

Json in_force_of(const core::Profile& profile) {
    std::vector<session::RecipeStep> steps;
    for (const core::PreStep& step : profile.prepare) {
        const auto* facts = provisioning::find_step(step.name);
        if (facts != nullptr) {  // config knows no others
            steps.push_back({facts, {step.args, step.secrets}, {}});
        }
    }
    return session::shown(session::prepare(false, steps).session.in_force());
}

}  // namespace lineside::engine
