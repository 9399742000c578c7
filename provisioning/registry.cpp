// SPDX-License-Identifier: Apache-2.0
#include "provisioning/step.h"

namespace lineside::provisioning {
namespace {

constexpr milliseconds kAskWithin{60'000};

// The state of the once-per-flash mark, after the station has committed that we begin: "new", or
// "begun" or "done" by an earlier run of this step after the same flash.
base::Result<std::string> begin_once(StepContext& context) {
    auto answer = context.station().ask("once.begin", {{"name", context.facts().name}}, kAskWithin);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    return base::field<std::string>(*answer, "state");
}

base::Status end_once(StepContext& context) {
    auto answer = context.station().ask("once.done", {{"name", context.facts().name}}, kAskWithin);
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    return {};
}

base::Status apply_once(Step& step, StepContext& context, bool already) {
    auto state = begin_once(context);
    if (!state) {
        return tl::unexpected(state.error());
    }
    if (*state == "new") {
        if (already) {
            return context.failed(
                "is done already, but not by this station: this is not a fresh flash");
        }
        if (auto applied = step.apply(context); !applied) {
            return applied;
        }
    } else if (!already) {
        auto error = context.failed(
            *state == "done" ? "was done after this flash, and is undone now"
                             : "was begun before and did not end; it may not be run twice");
        error.value().hint = "Flash the unit again";
        error.value().retry = false;
        return error;
    }
    return *state == "done" ? base::Status{} : end_once(context);
}

}  // namespace

base::Result<base::Json> run_step(Step& step, StepContext& context) {
    auto already = step.check(context);
    if (!already) {
        return tl::unexpected(already.error());
    }
    base::Status applied;
    if (context.facts().once_per_flash) {
        applied = apply_once(step, context, *already);
    } else if (!*already) {
        applied = step.apply(context);
    }
    if (!applied) {
        return tl::unexpected(applied.error());
    }
    if (*already) {
        context.station().log("info", fmt::format("{}: nothing to do", context.facts().name));
    }
    return step.verify(context);
}

void Registry::add(std::string_view name, Make make) {
    steps_.emplace_back(name, std::move(make));
}

std::unique_ptr<Step> Registry::make(std::string_view name) const {
    for (const auto& [known, make] : steps_) {
        if (known == name) {
            return make();
        }
    }
    return nullptr;
}

std::vector<std::string> Registry::names() const {
    std::vector<std::string> out;
    for (const auto& [name, make] : steps_) {
        out.push_back(name);
    }
    return out;
}

base::Result<base::Json> run_job(worker::Station& station, const Registry& registry) {
    const auto name = base::field_or<std::string>(station.job().params, "step", station.job().step);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const StepFacts* facts = find_step(*name);
    const auto step = registry.make(*name);
    if (facts == nullptr || !step) {
        return base::fail("config.invalid", fmt::format("there is no step \"{}\"", *name));
    }
    auto context = StepContext::make(station, *facts);
    if (!context) {
        return tl::unexpected(context.error());
    }
    station.phase(*name, 1, 1, 1);
    return run_step(*step, **context);
}

}  // namespace lineside::provisioning
