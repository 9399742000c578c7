// SPDX-License-Identifier: Apache-2.0
// The job half of SlotActor: feeds events to the transition function, commits, then acts.
#include "station/engine/slot_run.h"

#include "station/base/codes.h"
#include "station/base/crash_point.h"
#include "station/base/log.h"
#include "station/engine/job_commits.h"

#include <algorithm>

namespace lineside::engine {

using base::Json;
using core::JobState;

namespace {
// A module that resets itself is back on the bus within seconds (facts: recovery to recovery); a
// person who changes the unit after a verdict takes longer.
constexpr std::int64_t kResetTakesNs = 10'000'000'000;
}  // namespace

bool SlotActor::returning() const {
    return context_.clock.mono_ns() < returning_until_mono_ns_;
}

void SlotActor::deliver(core::JobEvent event) {
    mailbox_.push_back(std::move(event));
    pump();
}

void SlotActor::pump() {
    while (!committing_ && !mailbox_.empty() && run_) {
        const core::JobEvent event = std::move(mailbox_.front());
        mailbox_.pop_front();
        core::Policy policy;
        if (run_->profile != nullptr) {
            for (const core::StepPlan& step : run_->profile->steps) {
                policy.retries.push_back(step.retries);
            }
            policy.boots = !run_->profile->disk;
            policy.power = power_plan_ != nullptr && !run_->profile->disk;
        }
        perform(core::next(job_, event, policy));
    }
}

void SlotActor::perform(core::Transition transition) {
    const bool changed = transition.to.state != job_.state || transition.to.away != job_.away ||
                         transition.to.power_left != job_.power_left;
    job_ = std::move(transition.to);
    wire_use();
    std::vector<core::Effect> commits;
    std::vector<core::Effect> acts;
    for (core::Effect& effect : transition.effects) {
        (core::is_commit(effect) ? commits : acts).push_back(std::move(effect));
    }
    if (!commits.empty()) {
        commit(std::move(commits), std::move(acts));
        return;
    }
    for (const core::Effect& effect : acts) {
        act(effect);
    }
    if (changed) {
        publish(std::nullopt);
    }
}

void SlotActor::commit(std::vector<core::Effect> commits, std::vector<core::Effect> acts) {
    committing_ = true;
    JobCommit plan;
    plan.stamp = context_.stamp();
    plan.job = run_->job;
    plan.unit = run_->unit;
    plan.slot = slot_;
    plan.effects = commits;
    plan.to = job_.state;
    plan.ending = job_.ending;
    if (run_->profile != nullptr) {
        plan.steps = run_->profile->steps;
        for (core::StepPlan& step : plan.steps) {
            step.secrets.clear();  // not needed to write a row
        }
    }
    plan.redactions = std::exchange(run_->redactions, 0);
    plan.signer = context_.signer;
    plan.judge_slot = mapped_;
    context_.store.write<JobCommitted>(
        [plan](db::Tx& tx) { return commit_effects(tx, plan); },
        [this, alive = alive_, commits = std::move(commits),
         acts = std::move(acts)](base::Result<JobCommitted> committed) mutable {
            if (!*alive) {
                return;
            }
            if (!committed) {
                context_.engine.records_failing(committed.error());
                // What will never be committed ends the job; the next try writes that end.
                const bool refused = committed.error().code == "lease.refused" ||
                                     committed.error().code == "signing.broken";
                if (refused && !job_.ending) {
                    job_.ending = base::make_error("station.bug", committed.error().message);
                }
                // Nothing was begun, nothing is lost: the same commit is tried again until the disk
                // takes it.
                again_timer_.expires_after(context_.patience.commit_again);
                again_timer_.async_wait(
                    [this, alive, commits = std::move(commits),
                     acts = std::move(acts)](boost::system::error_code error) mutable {
                        if (!error && *alive && run_) {
                            commit(std::move(commits), std::move(acts));
                        }
                    });
                return;
            }
            context_.engine.records_fine();
            committing_ = false;
            base::crash_point("after_commit_before_act");
            if (committed->held) {
                run_->serial = committed->held->lease.value;
                auto token = serial_pool::open_token(context_.vault, *committed->held);
                run_->token = token && *token ? **token : base::Secret();
                run_->fields.clear();
                for (const auto& field : committed->fields) {
                    run_->fields.insert_or_assign(
                        field.name,
                        serial_pool::open_field(context_.vault, committed->held->lease, field));
                }
            }
            for (core::Effect& effect : acts) {
                if (auto* start = std::get_if<core::StartWorker>(&effect)) {
                    start->attempt = committed->step_attempt;
                }
                act(effect);
            }
            if (committed->verdict) {
                base::crash_point("after_verdict_commit");
                run_->verdict = *committed->verdict;
                run_->ended_ms = context_.clock.wall_ms();
                run_->saved_tick = run_->verdict.outcome == core::Outcome::pass;
                verdict_ = true;
                // A reset that the tool began may end behind the verdict: it is still the same
                // unit.
                returning_until_mono_ns_ =
                    power_asked_ || power_busy() ? context_.clock.mono_ns() + power_takes_ns()
                    : window_open()              ? context_.clock.mono_ns() + kResetTakesNs
                                                 : 0;
                left_since_verdict_ = !unit_here() && !returning();
                run_->window.reset();
                mailbox_.clear();
                mailbox_.emplace_back(core::Concluded{});
                if (committed->closed) {
                    base::log_warning("slot {} closed itself: {}", slot_,
                                      committed->closed->reason);
                    closing_ = std::move(committed->closed);
                }
            }
            publish(committed->seq);
            pump();
            if (committed->verdict) {
                context_.engine.job_ended(*this, run_->verdict.outcome,
                                          run_->verdict.error ? run_->verdict.error->code : "");
                context_.launcher.clean(run_->job.value, [](const base::Status&) {});
                try_start();
            }
            context_.engine.queue_changed();
        });
}

void SlotActor::arm(boost::asio::steady_timer& timer, std::chrono::milliseconds after,
                    core::JobEvent event) {
    timer.expires_after(after);
    run_->waits_until_mono_ns = context_.clock.mono_ns() + after.count() * 1'000'000;
    timer.async_wait(
        [this, alive = alive_, event = std::move(event)](boost::system::error_code error) {
            if (error || !*alive || !run_) {
                return;
            }
            core::JobEvent due = event;
            if (auto* boot = std::get_if<core::BootTimeout>(&due)) {
                boot->gadget_seen = run_->gadget_seen;
            }
            deliver(std::move(due));
        });
}

void SlotActor::act(const core::Effect& effect) {
    if (std::holds_alternative<core::Prepare>(effect)) {
        prepare();
    } else if (const auto* start = std::get_if<core::StartWorker>(&effect)) {
        start_worker(start->step, start->attempt);
    } else if (const auto* stop = std::get_if<core::StopWorker>(&effect)) {
        if (run_->worker) {
            run_->worker->stop(stop->reason, context_.patience.stop_grace);
        }
    } else if (std::holds_alternative<core::WaitForBoot>(effect)) {
        run_->gadget_seen = device_ && gadget_;  // it may have come while this was committed
        run_->window.reset();
        arm(boot_timer_, run_->profile->boot, core::BootTimeout{});
        if (std::exchange(run_->back_in_recovery, false) && device_ && model_ != nullptr) {
            return deliver(core::InRecovery{});
        }
        gadget_maybe_ready();
    } else if (std::holds_alternative<core::WaitForReplug>(effect)) {
        const auto left = run_->window ? run_->window->until_mono_ns - context_.clock.mono_ns() : 0;
        arm(replug_timer_, std::chrono::milliseconds(std::max<std::int64_t>(0, left) / 1'000'000),
            core::ReplugTimeout{});
    } else if (std::holds_alternative<core::CyclePower>(effect)) {
        cycle_power();
    } else if (std::holds_alternative<core::WaitForReturn>(effect)) {
        arm(replug_timer_, power_plan_->back, core::ReplugTimeout{});
    } else if (std::holds_alternative<core::WaitForUnit>(effect)) {
        run_->window.reset();
        gadget_maybe_ready();
    } else if (std::holds_alternative<core::StopWaiting>(effect)) {
        boot_timer_.cancel();
        replug_timer_.cancel();
        run_->waits_until_mono_ns = 0;
    }
}

void SlotActor::prepare() {
    if (job_.state != JobState::preparing) {
        return;  // it was stopped while it waited
    }
    const OrderView* order = context_.engine.order(run_->order);
    if (order == nullptr || order->profile == nullptr) {
        return deliver(core::PrepareFailed{base::make_error("order.none")});
    }
    if (order->image_error || order->changed) {
        return deliver(core::PrepareFailed{order->changed ? *order->changed : *order->image_error});
    }
    run_->prepare_waits = !order->image_ready;
    if (run_->prepare_waits) {
        return;  // try_start() comes back when it is
    }
    run_->profile = order->profile;
    run_->image_key = order->image_key;
    run_->image_digest = order->image_digest;
    const auto stamp = context_.stamp();
    context_.store.write<Reservation>(
        [stamp, job = run_->job, unit = run_->unit, slot = slot_, fields = unit_fields(),
         serials = run_->profile->serials,
         policy = context_.config.release](db::Tx& tx) -> base::Result<Reservation> {
            if (auto may = may_begin(tx, policy, job); !may) {  // withdrawn while it waited
                return tl::unexpected<base::Error>(may.error());
            }
            if (!serials) {
                return Reservation{};
            }
            return commit_reserve(tx, stamp, job, unit, slot, fields);
        },
        [this, alive = alive_](base::Result<Reservation> reserved) {
            if (!*alive || !run_) {
                return;
            }
            context_.engine.pool_changed();
            const bool waits = job_.state == JobState::preparing;
            if (!reserved && waits &&
                (reserved.error().code == "db.failed" || reserved.error().code == "disk.full")) {
                // Nothing was begun, so the unit can wait for the disk.
                context_.engine.records_failing(reserved.error());
                run_->prepare_waits = true;
                return try_start_after(context_.patience.commit_again);
            }
            if (!reserved) {
                return deliver(core::PrepareFailed{reserved.error()});
            }
            deliver(core::Prepared{});
        });
}

std::set<std::string> SlotActor::unit_fields() const {
    std::set<std::string> fields;
    for (const core::StepPlan& step : run_->profile->steps) {
        for (const auto& [name, field] : step.unit_fields) {
            fields.insert(field);
        }
    }
    return fields;
}

// What the step needs of the unit's own values; one that does not open or is not there ends it.
base::Status SlotActor::give_unit_fields(const core::StepPlan& plan,
                                         protocol::JobLine& line) const {
    for (const auto& [name, field] : plan.unit_fields) {
        const auto own = run_->fields.find(field);
        if (own == run_->fields.end()) {
            return base::fail("pool.no_field",
                              fmt::format("Serial {} has no {}", run_->serial, field));
        }
        if (!own->second) {
            return tl::unexpected<base::Error>(own->second.error());
        }
        // A parameter holds its place in params, a secret is nowhere until now.
        (line.params.contains(name) ? line.params : line.secrets)[name] = own->second->reveal();
    }
    return {};
}

void SlotActor::start_worker(int step, int attempt) {
    const core::StepPlan& plan = run_->profile->steps[static_cast<std::size_t>(step)];
    process::WorkerSpec spec;
    spec.job = run_->job.value;
    spec.step = step + 1;
    spec.attempt = attempt;
    spec.method = plan.method;
    spec.profile = run_->profile->id;
    spec.image = run_->image_key;
    spec.lane = step == 0 && !run_->profile->disk;
    spec.silence = plan.silence;
    spec.total = plan.total;
    spec.log_file = context_.job_folder(run_->job) /
                    fmt::format("{:02}-{}.{}.log", step + 1, plan.name, attempt);
    protocol::JobLine& line = spec.job_line;
    line.job = spec.job;
    line.step = plan.name;
    line.step_index = step + 1;
    line.step_attempt = attempt;
    line.slot = slot_;
    line.port = port_;
    line.bus_port = device_ ? device_->port.bus_port : "";
    line.model = run_->profile->model;
    line.net = net_names();
    if (device_ && gadget_) {
        line.module_serial = device_->serial;
    }
    line.chip_id = run_->chip_id;
    line.image =
        protocol::ImageRef{run_->image_key, (context_.config.images / run_->image_key).string()};
    line.params = plan.params;
    const usb::Model* model = context_.models.by_id(run_->profile->model);
    if (step == 0 && model != nullptr) {  // what to look for at the port, from the model table
        for (const std::uint16_t pid : model->pids) {
            line.params["usb_ids"].push_back(fmt::format("{:04x}:{:04x}", usb::kNvidia, pid));
        }
    }
    if (disk_ && run_->profile->disk) {
        line.params["disk"] = {
            {"name", disk_->name}, {"bytes", disk_->bytes}, {"sequence", disk_->sequence}};
    }
    for (const auto& [name, secret] : plan.secrets) {
        line.secrets[name] = secret.reveal();
        spec.secrets.push_back(secret);
    }
    if (auto given = give_unit_fields(plan, line); !given) {
        process::WorkerEnd end;
        end.outcome.error = given.error();
        return worker_ended(std::move(end));
    }
    if (!run_->token.empty()) {  // the unit holds it and may say it in any later step
        spec.secrets.push_back(run_->token);
    }
    if (const auto own = run_->fields.find("ap_password");
        own != run_->fields.end() && own->second) {
        spec.secrets.push_back(*own->second);
    }
    line.silence_s = static_cast<int>(plan.silence.count() / 1000);
    line.total_s = static_cast<int>(plan.total.count() / 1000);
    ++run_->stage;
    run_->progress = {};
    run_->pace = {};
    run_->bytes_before += std::exchange(run_->bytes, 0);
    run_->step_began_mono_ns = context_.clock.mono_ns();
    run_->window.reset();
    run_->back_in_recovery = false;
    run_->touched = true;
    process::WorkerEvents events;
    if (step == 0) {
        events.hello = [this, alive = alive_](const protocol::Hello& hello) {
            if (*alive && run_ && run_->chip_check != hello.chip_id) {
                run_->chip_check = hello.chip_id;
                publish(std::nullopt);
            }
        };
    }
    events.message = [this, alive = alive_](const protocol::FromWorker& message) {
        if (*alive && run_) {
            worker_message(message);
        }
    };
    events.end = [this, alive = alive_](process::WorkerEnd end) {
        if (*alive && run_) {
            worker_ended(std::move(end));
        }
    };
    run_->worker = context_.launcher.start(std::move(spec), std::move(events));
}

void SlotActor::worker_ended(process::WorkerEnd end) {
    context_.engine
        .drain_bus();  // a unit that was pulled is known to be gone before its worker is judged
    run_->held_end = std::move(end);
    if (run_->pending == 0) {
        finish_end();
    }
}

void SlotActor::finish_end() {
    process::WorkerEnd end = std::move(*run_->held_end);
    run_->held_end.reset();
    run_->worker.reset();
    run_->redactions += end.redactions;
    // All that the worker had to say has been heard: nobody announced that the unit would leave.
    const bool left = std::exchange(run_->unannounced, false);
    const bool pulled = left && !device_;
    announce_timer_.cancel();
    if (left && end.outcome.ok) {  // it starts, which needs no announcement
        leaves_.explained(run_->unannounced_mono_ns);
    }
    close_if_flapping();
    if (end.outcome.ok) {
        if (job_.step + 1 == static_cast<int>(run_->profile->steps.size()) || job_.step > 0) {
            run_->window.reset();
        }
        run_->pace.ended(run_->spent_ms(context_.clock.mono_ns()));
        context_.paces.learn(run_->profile->id,
                             run_->profile->steps[static_cast<std::size_t>(job_.step)].name,
                             run_->pace);
        deliver(core::StepOk{});
        if (pulled) {  // a flashed unit may leave; for a step behind it nothing is there to work on
            deliver(core::UnitLeft{false});
        }
        return;
    }
    deliver(core::StepFailed{core::seen_at_port(end.outcome.error, unit_here(), pulled)});
}

void SlotActor::Run::describe(core::SlotFacts& f, const core::Job& machine, bool judged) const {
    f.has_job = true;
    f.state = machine.state;
    f.unit = unit.value;
    f.job = job.value;
    f.attempt = attempt;
    f.serial = serial;
    f.away = machine.away;
    f.power_cycle = machine.power != core::PowerCycle::none;
    f.power_left = machine.power_left;
    f.chip_check = chip_check;
    f.stage = stage;
    f.image_tick = image_tick;
    f.serial_tick = serial_tick;
    f.saved_tick = saved_tick;
    f.acknowledged = acknowledged;
    f.label = label;
    f.stopped_by = stopped_by;
    if (judged) {
        f.outcome = verdict.outcome;
        f.since_ms = ended_ms;
        if (verdict.error) {
            f.code = verdict.error->code;
            f.message = verdict.error->message;
        }
        return;
    }
    if (profile == nullptr) {
        return;
    }
    f.step_count = static_cast<int>(profile->steps.size());
    f.step_index = std::min(machine.step, f.step_count - 1);
    const core::StepPlan& plan = profile->steps[static_cast<std::size_t>(f.step_index)];
    f.step_name = plan.name;
    f.dot = plan.dot;
    if (worker) {
        f.percent = progress.percent();
    }
}

std::optional<int> SlotActor::Run::time_left_s(const core::Job& machine, std::int64_t mono_ns,
                                               const PaceBook& paces) const {
    constexpr std::int64_t kSecond = 1'000'000'000;
    if (waits_until_mono_ns > mono_ns) {
        return static_cast<int>((waits_until_mono_ns - mono_ns + kSecond - 1) / kSecond);
    }
    if (!worker || machine.state == JobState::stopping) {
        return std::nullopt;
    }
    const core::Pace& learned =
        paces.of(profile->id, profile->steps[static_cast<std::size_t>(machine.step)].name);
    return learned.known() ? learned.left_s(pace, spent_ms(mono_ns))
                           : progress.time_left_s(mono_ns - step_began_mono_ns);
}

}  // namespace lineside::engine
