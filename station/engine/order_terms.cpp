// SPDX-License-Identifier: Apache-2.0
#include "station/engine/order_terms.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <map>

namespace lineside::engine {
namespace {

using base::Json;

constexpr std::string_view kLabel = "lineside order secret 1";
constexpr int kRounds = 50'000;  // who reads the records shall not guess a short password at once

base::Result<std::string> digest(const std::string& name, const base::Secret& secret) {
    const std::string salt = fmt::format("{} {}", kLabel, name);
    const std::string_view text = secret.reveal();
    std::array<unsigned char, 32> out{};
    if (PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()),
                          static_cast<int>(salt.size()), kRounds, EVP_sha256(),
                          static_cast<int>(out.size()), out.data()) != 1) {
        return base::fail("station.bug", "No digest of a secret could be made");
    }
    return base::to_hex(out);
}

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
    // The same log-in is a secret of every step: its digest is made once.
    std::map<std::string, std::pair<base::Secret, std::string>> made;
    for (const core::StepPlan& plan : profile.steps) {
        Json secrets = Json::object();
        for (const auto& [name, secret] : plan.secrets) {
            auto& [of, kept] = made[name];
            if (kept.empty() || of.reveal() != secret.reveal()) {
                auto anew = digest(name, secret);
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
