// SPDX-License-Identifier: Apache-2.0
#include "station/core/job_machine.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lineside::core {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 9> kStates{{
    {JobState::queued, "queued"},
    {JobState::preparing, "preparing"},
    {JobState::flashing, "flashing"},
    {JobState::awaiting_boot, "awaiting_boot"},
    {JobState::provisioning, "provisioning"},
    {JobState::verifying, "verifying"},
    {JobState::stopping, "stopping"},
    {JobState::interrupted, "interrupted"},
    {JobState::closed, "closed"},
}};
constexpr std::array<std::pair<Outcome, std::string_view>, 4> kOutcomes{{
    {Outcome::pass, "PASS"},
    {Outcome::fail, "FAIL"},
    {Outcome::error, "ERROR"},
    {Outcome::aborted, "ABORTED"},
}};

constexpr int kFlashStep = 0;

Transition stay(const Job& job) {
    return {job, {}};
}

// Ends a job that has no worker: straight to the verdict.
Transition conclude(Job job, base::Error why, std::vector<Effect> first = {}) {
    job.state = JobState::stopping;
    job.worker_running = false;
    job.ending = std::move(why);
    first.emplace_back(CommitVerdict{});
    first.emplace_back(StopWaiting{});
    return {std::move(job), std::move(first)};
}

// Ends a job whose worker still runs: first the worker has to be gone.
Transition stop_worker(Job job, base::Error why) {
    std::string reason = why.code;
    job.state = JobState::stopping;
    job.ending = std::move(why);
    return {std::move(job), {StopWorker{std::move(reason)}, StopWaiting{}}};
}

Transition begin_step(Job job, int step, int attempt, const Policy& policy,
                      std::vector<Effect> first) {
    job.step = step;
    job.step_attempt = attempt;
    job.retries = step < static_cast<int>(policy.retries.size())
                      ? policy.retries[static_cast<std::size_t>(step)]
                      : 0;
    job.state = step == kFlashStep ? JobState::flashing : JobState::provisioning;
    job.worker_running = true;
    job.away = false;
    // Commits stay in front of everything else.
    auto at =
        std::find_if(first.begin(), first.end(), [](const Effect& e) { return !is_commit(e); });
    first.insert(at, CommitStepStart{step, attempt});
    first.emplace_back(StartWorker{step, attempt});
    return {std::move(job), std::move(first)};
}

Transition in_queued(const Job& job, const JobEvent& event) {
    if (std::holds_alternative<Admitted>(event)) {
        Job to = job;
        to.state = JobState::preparing;
        return {std::move(to), {CommitState{}, Prepare{}}};
    }
    if (std::holds_alternative<UnitLeft>(event)) {
        return conclude(job, base::make_error("operator.removed"));
    }
    if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return conclude(job, stop->why);
    }
    return stay(job);
}

Transition in_preparing(const Job& job, const JobEvent& event, const Policy& policy) {
    if (std::holds_alternative<Prepared>(event)) {
        return begin_step(job, kFlashStep, job.step_attempt + 1, policy, {});
    }
    if (const auto* failed = std::get_if<PrepareFailed>(&event)) {
        return conclude(job, failed->error);
    }
    if (std::holds_alternative<UnitLeft>(event)) {
        return conclude(job, base::make_error("operator.removed"));
    }
    if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return conclude(job, stop->why);
    }
    return stay(job);
}

Transition step_ok(const Job& job, const Policy& policy) {
    std::vector<Effect> effects{CommitStepEnd{job.step, job.step_attempt, std::nullopt, false}};
    Job to = job;
    to.worker_running = false;
    if (job.step == kFlashStep && policy.boots) {
        to.state = JobState::awaiting_boot;
        to.away = true;
        effects.emplace_back(WaitForBoot{});
        return {std::move(to), std::move(effects)};
    }
    effects.emplace_back(StopWaiting{});
    // A resumed job has looked whether it is still the same unit; what was done before is not done
    // again. The image above all: its proof is committed, and steps behind it may have changed the
    // unit.
    const int next = std::max(job.step + 1, std::exchange(to.resume_at, 0));
    if (next <= job.last_step) {
        return begin_step(std::move(to), next, 1, policy, std::move(effects));
    }
    to.state = JobState::verifying;
    effects.insert(effects.begin() + 1, CommitVerdict{});
    return {std::move(to), std::move(effects)};
}

// A resumed job whose unit leaves before it has shown which one it is: nothing new was done, so it
// waits again. A restart of the unit that the service's life before began ends like that.
Transition wait_again(Job job) {
    std::vector<Effect> effects{
        CommitStepEnd{job.step, job.step_attempt, base::make_error("usb.left"), true},
        CommitState{}, StopWaiting{}, WaitForUnit{}};
    job.wait_again = false;
    job.state = JobState::interrupted;
    job.worker_running = false;
    job.away = false;
    job.ending.reset();
    return {std::move(job), std::move(effects)};
}

Transition step_failed(const Job& job, const base::Error& error, const Policy& policy) {
    if (job.resume_at > 0 && error.code == "usb.left") {
        return wait_again(job);
    }
    std::vector<Effect> effects{CommitStepEnd{job.step, job.step_attempt, error, false}};
    const bool again = error.retry && job.step_attempt <= job.retries;
    if (again && policy.power && job.step == kFlashStep) {
        Job to = job;
        to.worker_running = false;
        to.away = false;
        to.power = PowerCycle::switching;
        to.power_left = to.power_back = false;
        effects.emplace_back(StopWaiting{});
        effects.emplace_back(CyclePower{});
        return {std::move(to), std::move(effects)};
    }
    if (again && !job.away) {
        return begin_step(job, job.step, job.step_attempt + 1, policy, std::move(effects));
    }
    return conclude(job, error, std::move(effects));
}

// Only what is seen at the port counts: a switch that did as told may switch something else.
Transition in_power_cycle(Job job, const JobEvent& event, const Policy& policy) {
    const auto again = [&] {
        job.power = PowerCycle::none;
        return begin_step(job, job.step, job.step_attempt + 1, policy, {StopWaiting{}});
    };
    const auto ends = [&](base::Error why) {
        job.power = PowerCycle::none;
        return conclude(job, std::move(why));
    };
    if (std::holds_alternative<UnitLeft>(event)) {
        job.power_left = true;
        job.power_back = false;
    } else if (std::holds_alternative<InRecovery>(event) && job.power_left) {
        job.power_back = true;
        if (job.power == PowerCycle::returning) {
            return again();
        }
    } else if (std::holds_alternative<PowerCycled>(event)) {
        if (!job.power_left) {
            return ends(base::make_error("power.no_effect"));
        }
        if (job.power_back) {
            return again();
        }
        job.power = PowerCycle::returning;
        return {job, {WaitForReturn{}}};
    } else if (const auto* failed = std::get_if<PowerFailed>(&event)) {
        return ends(failed->error);
    } else if (std::holds_alternative<ReplugTimeout>(event)) {
        return ends(base::make_error("power.no_return"));
    } else if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return ends(stop->why);
    }
    return {std::move(job), {}};
}

Transition in_working(const Job& job, const JobEvent& event, const Policy& policy) {
    if (job.power != PowerCycle::none) {
        return in_power_cycle(job, event, policy);
    }
    if (std::holds_alternative<StepOk>(event)) {
        return step_ok(job, policy);
    }
    if (const auto* failed = std::get_if<StepFailed>(&event)) {
        return step_failed(job, failed->error, policy);
    }
    if (const auto* failed = std::get_if<ProofFailed>(&event)) {
        return stop_worker(job, failed->error);
    }
    if (const auto* left = std::get_if<UnitLeft>(&event)) {
        if (!left->expected) {
            Job to = job;
            to.wait_again = job.resume_at > 0;
            return stop_worker(std::move(to), base::make_error("usb.left"));
        }
        Job to = job;
        to.away = true;
        return {std::move(to), {WaitForReplug{}}};
    }
    if (std::holds_alternative<UnitBack>(event)) {
        Job to = job;
        to.away = false;
        return {std::move(to), {StopWaiting{}}};
    }
    if (std::holds_alternative<ReplugTimeout>(event)) {
        return stop_worker(job,
                           base::make_error(job.step == kFlashStep ? "usb.left" : "boot.none"));
    }
    if (std::holds_alternative<InRecovery>(event) && job.state == JobState::provisioning) {
        return stop_worker(job, base::make_error("boot.back_in_recovery"));
    }
    if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return stop_worker(job, stop->why);
    }
    return stay(job);
}

Transition in_awaiting_boot(const Job& job, const JobEvent& event, const Policy& policy) {
    if (std::holds_alternative<GadgetReady>(event)) {
        return begin_step(job, job.step + 1, 1, policy, {StopWaiting{}});
    }
    if (std::holds_alternative<InRecovery>(event)) {
        return conclude(job, base::make_error("boot.back_in_recovery"));
    }
    if (const auto* timeout = std::get_if<BootTimeout>(&event)) {
        return conclude(job,
                        base::make_error(timeout->gadget_seen ? "boot.no_network" : "boot.none"));
    }
    if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return conclude(job, stop->why);
    }
    return stay(job);
}

Transition in_stopping(const Job& job, const JobEvent& event) {
    if (job.worker_running &&
        (std::holds_alternative<StepOk>(event) || std::holds_alternative<StepFailed>(event))) {
        if (job.wait_again) {
            return wait_again(job);
        }
        return conclude(job, job.ending.value_or(base::make_error("station.bug")),
                        {CommitStepEnd{job.step, job.step_attempt, job.ending, true}});
    }
    if (std::holds_alternative<Concluded>(event)) {
        Job to = job;
        to.state = JobState::closed;
        return {std::move(to), {}};
    }
    if (job.wait_again) {  // not any more, when there is a reason to end it
        const auto* failed = std::get_if<ProofFailed>(&event);
        const auto* stop = std::get_if<StopAsked>(&event);
        if (failed != nullptr || stop != nullptr) {
            Job to = job;
            to.wait_again = false;
            to.ending = failed != nullptr ? failed->error : stop->why;
            return {std::move(to), {}};
        }
    }
    return stay(job);
}

Transition in_interrupted(const Job& job, const JobEvent& event, const Policy& policy) {
    if (std::holds_alternative<InRecovery>(event)) {
        if (!job.flash_again) {  // it was flashed, yet it is back in recovery mode
            return conclude(job, base::make_error("boot.back_in_recovery"));
        }
        Job to = job;
        to.state = JobState::preparing;
        to.step = kFlashStep;
        return {std::move(to), {CommitState{}, Prepare{}}};
    }
    if (std::holds_alternative<GadgetReady>(event)) {
        if (job.flash_again) {
            return conclude(job, base::make_error("station.restarted"));
        }
        return begin_step(job, job.step, job.step_attempt + 1, policy, {StopWaiting{}});
    }
    if (const auto* failed = std::get_if<PrepareFailed>(&event)) {
        return conclude(job, failed->error);
    }
    if (const auto* stop = std::get_if<StopAsked>(&event)) {
        return conclude(job, stop->why);
    }
    return stay(job);
}

}  // namespace

std::string_view to_text(JobState state) {
    return std::find_if(kStates.begin(), kStates.end(),
                        [&](const auto& s) { return s.first == state; })
        ->second;
}

std::optional<JobState> job_state_from_text(std::string_view text) {
    for (const auto& [state, name] : kStates) {
        if (name == text) {
            return state;
        }
    }
    return std::nullopt;
}

std::string_view to_text(Outcome outcome) {
    return std::find_if(kOutcomes.begin(), kOutcomes.end(),
                        [&](const auto& o) { return o.first == outcome; })
        ->second;
}

std::optional<Outcome> outcome_from_text(std::string_view text) {
    for (const auto& [outcome, name] : kOutcomes) {
        if (name == text) {
            return outcome;
        }
    }
    return std::nullopt;
}

Outcome outcome_of(const base::Error& error) {
    switch (error.kind) {
        case base::Kind::unit:
            return Outcome::fail;
        case base::Kind::operator_:
            return Outcome::aborted;
        case base::Kind::station:
        case base::Kind::config:
            return Outcome::error;
    }
    return Outcome::error;
}

bool is_commit(const Effect& effect) {
    return std::holds_alternative<CommitState>(effect) ||
           std::holds_alternative<CommitStepStart>(effect) ||
           std::holds_alternative<CommitStepEnd>(effect) ||
           std::holds_alternative<CommitVerdict>(effect);
}

Transition next(const Job& job, const JobEvent& event, const Policy& policy) {
    switch (job.state) {
        case JobState::queued:
            return in_queued(job, event);
        case JobState::preparing:
            return in_preparing(job, event, policy);
        case JobState::flashing:
        case JobState::provisioning:
            return in_working(job, event, policy);
        case JobState::awaiting_boot:
            return in_awaiting_boot(job, event, policy);
        case JobState::stopping:
            return in_stopping(job, event);
        case JobState::interrupted:
            return in_interrupted(job, event, policy);
        case JobState::verifying:
            if (std::holds_alternative<Concluded>(event)) {
                Job to = job;
                to.state = JobState::closed;
                return {std::move(to), {}};
            }
            return stay(job);
        case JobState::closed:
            return stay(job);
    }
    return stay(job);
}

}  // namespace lineside::core
