// SPDX-License-Identifier: Apache-2.0
// station.toml with its recipes and profiles as anybody might write it: it is read or complained
// about, each complaint names the file and can be printed, and what is accepted keeps the promises
// the station builds on.
#include "station/base/json.h"
#include "station/config/recipe_secrets.h"

#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lineside;
    const auto must = [](bool so) {
        if (!so) {
            std::abort();
        }
    };
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // What is hidden for the page and comes back as it was is what it was.
    if (const auto hidden = config::HiddenSecrets::of(std::string(text))) {
        const auto meant = hidden->put_back(hidden->shown(), "f.toml");
        must(!meant.complaints.empty() || meant.text == text);
    }
    const config::Reading reading = config::read_config_text(text, "f.toml", std::string_view());
    must(!reading.unreadable);
    for (const config::Complaint& each : reading.complaints) {
        const std::string own = reading.config.recipes.string();  // it may name another file
        must(each.file == "f.toml" || each.file == own);
        must(!each.message.empty() && each.line >= 0 && each.column >= 0);
        must(config::to_text(each).starts_with(each.file));
        must(!base::dump_json({each.field, each.message}).empty());
    }
    if (!reading.complaints.empty()) {
        return 0;
    }
    const config::Config& good = reading.config;
    must(!good.station_id.empty() && !good.data.empty() && !good.key_file.empty());
    must(good.limits.jobs >= 1 && good.limits.per_root_port >= 1);
    std::set<std::string> labels;
    std::set<std::string> ports;
    for (const config::SlotConfig& slot : good.slots) {
        must(labels.insert(slot.label).second && ports.insert(slot.port).second);
    }
    for (const core::Profile& profile : good.profiles) {
        must(!profile.id.empty() && !profile.steps.empty());
        for (const core::StepPlan& step : profile.steps) {
            must(!step.name.empty());
        }
    }
    return 0;
}
