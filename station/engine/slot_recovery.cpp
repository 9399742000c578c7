// SPDX-License-Identifier: Apache-2.0
// Sends the unit that was judged in this slot and has started to recovery mode by its own software,
// so that nobody has to open it: a worker beside the slot's jobs, which writes nothing of the unit.
#include "provisioning/step_table.h"
#include "station/engine/slot_run.h"

#include <algorithm>

namespace lineside::engine {

using base::Json;

namespace {

// Its numbers are the helper's only, like those of image work: no job of the records has them.
constexpr std::int64_t kFirstRecovery = 2'000'000'000'000;
constexpr std::int64_t kMostOfAJob = 1'000;
constexpr std::chrono::seconds kSilence{60};
constexpr std::chrono::seconds kTotal{240};
constexpr std::string_view kStep = "to-recovery";
constexpr const char* kByHand =
    "An empty module enters recovery mode when it is switched on; hold the recovery button of any "
    "other one, or bridge its test pad, while it is switched on";

bool is_login(std::string_view name) {
    const auto common = provisioning::common_params();
    return std::any_of(common.begin(), common.end(),
                       [&](const provisioning::ParamFact& fact) { return fact.name == name; });
}

// How to log in is the same for all steps on a unit.
bool give_login(const core::Profile& profile, process::WorkerSpec& spec) {
    const auto found = std::find_if(
        profile.steps.begin(), profile.steps.end(),
        [](const core::StepPlan& step) { return provisioning::find_step(step.name) != nullptr; });
    if (found == profile.steps.end()) {
        return false;
    }
    spec.method = found->method;
    for (const auto& [name, value] : found->params.items()) {
        if (is_login(name)) {
            spec.job_line.params[name] = value;
        }
    }
    for (const auto& [name, secret] : found->secrets) {
        if (is_login(name)) {
            spec.job_line.secrets[name] = secret.reveal();
            spec.secrets.push_back(secret);
        }
    }
    return true;
}

}  // namespace

bool SlotActor::can_be_sent() const {
    return run_ && verdict_ && !left_since_verdict_ && !deciding_ && gadget_here() &&
           run_->profile != nullptr && sent_ < kMostOfAJob;
}

void SlotActor::to_recovery(const std::string& actor, const Done& done) {
    if (sender_ || sending_) {
        return done(base::fail(
            "request.conflict",
            fmt::format("Slot {}: its unit is being sent to recovery mode already", slot_)));
    }
    auto refused = base::make_error(
        "request.conflict", fmt::format("Slot {} holds no judged unit that has started", slot_));
    refused.hint = kByHand;
    auto made = std::make_shared<process::WorkerSpec>();
    process::WorkerSpec& spec = *made;
    if (!can_be_sent() || !give_login(*run_->profile, spec)) {
        return done(tl::unexpected<base::Error>(std::move(refused)));
    }
    // Counted anew after a restart of the service; what an earlier life wrote down stays.
    std::error_code ignored;
    do {
        ++sent_;
        spec.log_file = context_.job_folder(run_->job) / fmt::format("{}.{}.log", kStep, sent_);
    } while (sent_ < kMostOfAJob && std::filesystem::exists(spec.log_file, ignored));
    spec.job = kFirstRecovery + run_->job.value * kMostOfAJob + sent_;
    spec.step = 1;
    spec.profile = run_->profile->id;
    spec.silence = kSilence;
    spec.total = kTotal;
    protocol::JobLine& line = spec.job_line;
    line.job = spec.job;
    line.step = kStep;
    line.step_index = 1;
    line.slot = slot_;
    line.port = port_;
    line.bus_port = device_->port.bus_port;
    line.model = run_->profile->model;
    line.net = net_names();
    line.module_serial = device_->serial;
    line.params["step"] = kStep;
    line.silence_s = static_cast<int>(kSilence.count());
    line.total_s = static_cast<int>(kTotal.count());
    // Who asked is on disk before anything is done to the unit.
    sending_ = true;
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), slot = slot_, job = run_->job, unit = run_->unit,
         actor](db::Tx& tx) {
            return journal::append(tx, stamp,
                                   {"unit.recovery_asked", slot, unit, job, actor, Json::object()});
        },
        [this, alive = alive_, made, job = run_->job, refused, actor,
         done](const base::Result<std::int64_t>& seq) {
            if (!*alive) {
                return done(base::fail("station.stopping"));
            }
            sending_ = false;
            if (!seq) {
                context_.engine.records_failing(seq.error());
                return done(tl::unexpected<base::Error>(seq.error()));
            }
            publish(*seq);
            if (!can_be_sent() || run_->job != job) {  // it left meanwhile
                return done(tl::unexpected<base::Error>(refused));
            }
            send(std::move(*made), actor, done);
        });
}

void SlotActor::send(process::WorkerSpec spec, const std::string& actor, const Done& done) {
    process::WorkerEvents events;
    events.message = [](const protocol::FromWorker&) {};
    events.end = [this, alive = alive_, number = spec.job, job = run_->job, unit = run_->unit,
                  actor, done](const process::WorkerEnd& end) {
        if (!*alive) {
            return done(base::fail("station.stopping"));
        }
        sender_.reset();
        // One that was seen there is the judged unit still, whose verdict the next unit takes away.
        left_since_verdict_ = left_since_verdict_ || (sent_away_ && !(end.outcome.ok && device_));
        context_.launcher.clean(number, [](const base::Status&) {});
        sent(job, unit, actor, end.outcome, done);
        try_start();
    };
    sent_away_ = false;
    sender_ = context_.launcher.start(std::move(spec), std::move(events));
    publish(std::nullopt);
}

void SlotActor::sent(base::JobId job, base::UnitId unit, const std::string& actor,
                     const protocol::Outcome& how, const Done& done) {
    const std::string result = how.ok ? "it is in recovery mode" : how.error.message;
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), slot = slot_, job, unit, actor, how, result](db::Tx& tx) {
            return journal::append(
                tx, stamp,
                {"unit.to_recovery",
                 slot,
                 unit,
                 job,
                 actor,
                 {{"ok", how.ok}, {"code", how.ok ? "" : how.error.code}, {"result", result}}});
        },
        [this, alive = alive_, how, done](base::Result<std::int64_t> seq) {
            if (!*alive) {
                return done(base::fail("station.stopping"));
            }
            if (!seq) {
                context_.engine.records_failing(seq.error());
            } else {
                publish(*seq);
            }
            if (!how.ok) {
                base::Error error = how.error;
                error.hint = error.hint.empty() ? std::string(kByHand) : error.hint;
                return done(tl::unexpected<base::Error>(std::move(error)));
            }
            done(Json{{"slot", slot_}, {"sent", true}});
        });
}

}  // namespace lineside::engine
