// SPDX-License-Identifier: Apache-2.0
#include "station/engine/order_terms.h"

#include "station/trust/canonical_json.h"
#include "station/trust/secret_digest.h"

#include <fmt/format.h>

#include <map>

namespace lineside::engine {
namespace {

using base::Json;

constexpr std::string_view kLabel = "lineside order secret 1";
std::string differing_member(const Json& then, const Json& now) {
    for (const char* part : {"name", "method"}) {
        if (then.value(part, Json()) != now.value(part, Json())) {
            return part;
        }
    }
    for (const char* part : {"params", "secrets", "of_unit"}) {
        const Json before = then.value(part, Json::object());
        const Json after = now.value(part, Json::object());
        for (const auto& [name, value] : before.items()) {
            if (!after.contains(name) || after.at(name) != value) {
                return name;
            }
        }
        for (const auto& [name, value] : after.items()) {
            if (!before.contains(name)) {
                return name;
            }
        }
    }
    return "";
}

}  // namespace

base::Result<std::string> recipe_terms(const core::Profile& profile) {
    Json steps = Json::array();
    for (const core::PreStep& step : profile.prepare) {
        Json secrets = Json::object();
        for (const auto& [name, secret] : step.secrets) {
            auto digest = trust::secret_digest(kLabel, name, secret);
            if (!digest) {
                return tl::unexpected<base::Error>(digest.error());
            }
            secrets[name] = std::move(*digest);
        }
        steps.push_back({{"name", step.name},
                         {"method", "image-build"},
                         {"params", step.args},
                         {"of_unit", Json::object()},
                         {"secrets", std::move(secrets)}});
    }
    // The same log-in is a secret of every step: its digest is made once.
    std::map<std::string, std::pair<base::Secret, std::string>> made;
    for (const core::StepPlan& plan : profile.steps) {
        Json secrets = Json::object();
        for (const auto& [name, secret] : plan.secrets) {
            auto& [of, kept] = made[name];
            if (kept.empty() || of.reveal() != secret.reveal()) {
                auto anew = trust::secret_digest(kLabel, name, secret);
                if (!anew) {
                    return tl::unexpected<base::Error>(anew.error());
                }
                of = secret;
                kept = std::move(*anew);
            }
            secrets[name] = kept;
        }
        Json params = Json::object();
        for (const auto& [name, value] : plan.params.items()) {
            if (!name.ends_with("_s")) {  // seconds to wait
                params[name] = value;
            }
        }
        steps.push_back({{"name", plan.name},
                         {"method", plan.method},
                         {"params", std::move(params)},
                         {"of_unit", plan.unit_fields},
                         {"secrets", std::move(secrets)}});
    }
    return trust::canonical_json(steps);
}

std::string changed_terms(const std::string& then, const std::string& now) {
    if (then.empty() || then == now) {
        return "";
    }
    const Json before = Json::parse(then, nullptr, /*allow_exceptions=*/false);
    const Json after = Json::parse(now, nullptr, /*allow_exceptions=*/false);
    if (!before.is_array() || !after.is_array()) {
        return "its steps";
    }
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
        if (before[i] == after[i]) {
            continue;
        }
        const std::string name = before[i].value("name", "");
        if (before[i].value("name", "") != after[i].value("name", "")) {
            return fmt::format("step {} was {} and is {}", i + 1, name, after[i].value("name", ""));
        }
        return fmt::format("step {}, {}: {}", i + 1, name, differing_member(before[i], after[i]));
    }
    return fmt::format("it had {} steps and has {}", before.size(), after.size());
}

}  // namespace lineside::engine
