// SPDX-License-Identifier: Apache-2.0
#include "station/replay/player.h"

#include "station/base/codes.h"

#include <algorithm>
#include <utility>

namespace lineside::rerun {

using core::JobState;

Player::Player(Subject subject) : subject_(std::move(subject)) {
    job_.last_step = std::max(0, subject_.steps - 1);
}

void Player::deliver(const core::JobEvent& event) {
    core::Transition transition = core::next(job_, event, subject_.policy);
    job_ = std::move(transition.to);
    ++changes_;
    for (const core::Effect& effect : transition.effects) {
        if (std::holds_alternative<core::CommitVerdict>(effect) && job_.ending) {
            verdict_ = core::decide({}, job_.ending);
        }
    }
}

void Player::admitted(std::int64_t /*at_ms*/) {
    deliver(core::Admitted{});
}

void Player::step(std::int64_t at_ms, int index, int attempt, std::string name) {
    if (job_.state == JobState::queued) {
        deliver(core::Admitted{});
    }
    if (job_.state == JobState::preparing && index == 0) {
        deliver(core::Prepared{});
    } else if (job_.state == JobState::awaiting_boot && index > 0) {
        deliver(core::GadgetReady{});
    }
    // A job that was interrupted goes on where its records say, a recording of one step begins
    // there.
    const bool working = job_.state == JobState::flashing || job_.state == JobState::provisioning;
    if (!working || job_.step != index) {
        job_ = core::Job{};
        job_.last_step = std::max(subject_.steps - 1, index);
        job_.state = index == 0 ? JobState::flashing : JobState::provisioning;
        job_.step = index;
        job_.worker_running = true;
        const auto at = static_cast<std::size_t>(index);
        job_.retries = at < subject_.policy.retries.size() ? subject_.policy.retries[at] : 0;
    }
    job_.step_attempt = attempt;
    step_ = std::move(name);
    phase_.clear();
    progress_ = {};
    ++stage_;
    step_index_ = index;
    step_began_ms_ = at_ms;
    replug_.clear();
    window_until_ms_ = 0;
    present_ = true;
    unannounced_ = false;
    ended_ = false;
    verdict_.reset();
    ++changes_;
}

void Player::line(std::int64_t at_ms, const protocol::Recorded& recorded) {
    if (!recorded.line.is_object() || ended_) {
        return;
    }
    const std::string text = base::dump_json(recorded.line);
    if (recorded.direction == protocol::Direction::in) {
        if (const auto message = protocol::parse_from_worker(text)) {
            heard(at_ms, *message);
        }
    } else if (const auto message = protocol::parse_from_station(text)) {
        said(at_ms, *message);
    }
}

void Player::heard(std::int64_t at_ms, const protocol::FromWorker& message) {
    if (const auto* hello = std::get_if<protocol::Hello>(&message)) {
        if (job_.step == 0) {
            subject_.policy.boots = hello->method != "media-writer";  // a disk does not
        }
        if (job_.step == 0 && chip_check_ != hello->chip_id) {
            chip_check_ = hello->chip_id;
            ++changes_;
        }
    } else if (const auto* phase = std::get_if<protocol::Phase>(&message)) {
        phase_ = phase->name;
        progress_.phase(phase->weight);
        ++changes_;
    } else if (const auto* progress = std::get_if<protocol::Progress>(&message)) {
        changes_ += progress_.progress(progress->done, progress->total) ? 1U : 0U;
    } else if (const auto* expect = std::get_if<protocol::Expect>(&message)) {
        replug_ = {expect->replug.begin(), expect->replug.end()};
        window_until_ms_ = at_ms + std::int64_t{expect->within_s} * 1000;
        if (expect->within_s > 0 && std::exchange(unannounced_, false)) {
            deliver(core::UnitLeft{true});  // the announcement came behind the leave
        }
    } else if (const auto* proof = std::get_if<protocol::Proof>(&message)) {
        bool& tick = proof->kind == "serial" ? serial_tick_ : image_tick_;
        tick = tick || subject_.proven.contains(proof->kind);
        ++changes_;
    } else if (const auto* outcome = std::get_if<protocol::Outcome>(&message)) {
        ended_ = true;
        if (outcome->ok) {
            deliver(core::StepOk{});
        } else {
            deliver(core::StepFailed{core::seen_at_port(outcome->error, present_, unannounced_)});
        }
    }
}

void Player::said(std::int64_t at_ms, const protocol::FromStation& message) {
    if (const auto* state = std::get_if<protocol::PortState>(&message)) {
        port(at_ms, *state);
    } else if (const auto* stop = std::get_if<protocol::Stop>(&message)) {
        const std::string code = stop->reason == "operator"  ? "operator.stopped"
                                 : stop->reason == "station" ? "station.stopping"
                                                             : stop->reason;
        if (job_.state != JobState::stopping) {
            deliver(core::StopAsked{base::make_error(code)});
        }
    } else if (const auto* answer = std::get_if<protocol::Answer>(&message)) {
        if (const auto serial = base::field<std::string>(answer->value, "serial");
            answer->ok && serial) {
            serial_ = *serial;
            ++changes_;
        }
    }
}

void Player::port(std::int64_t at_ms, const protocol::PortState& state) {
    const bool was = std::exchange(present_, state.present);
    changes_ += was != present_ ? 1U : 0U;
    if (was && !present_) {
        unannounced_ = at_ms >= window_until_ms_;
        if (!unannounced_) {
            deliver(core::UnitLeft{true});
        }
    } else if (present_ && job_.away && (job_.step == 0 || !state.net.empty()) &&
               (replug_.empty() || replug_.contains(state.id))) {
        window_until_ms_ = 0;
        deliver(core::UnitBack{});
    }
}

void Player::step_ended(std::int64_t /*at_ms*/, const std::optional<base::Error>& error,
                        bool interrupted) {
    if (interrupted) {
        job_.state = JobState::interrupted;
        job_.flash_again = job_.step == 0;
        job_.worker_running = false;
        ++changes_;
    } else if (!std::exchange(ended_, true)) {
        deliver(core::StepFailed{error ? *error : base::make_error("worker.died")});
    }
}

void Player::judged(std::int64_t at_ms, core::Verdict verdict, const std::string& serial) {
    if (!serial.empty()) {
        serial_ = serial;
    }
    if (verdict.outcome == core::Outcome::pass) {
        image_tick_ = true;
        serial_tick_ = !serial_.empty();
    }
    verdict_ = std::move(verdict);
    judged_ms_ = at_ms;
    job_.state = JobState::closed;
    ++changes_;
}

core::SlotFacts Player::facts(std::int64_t at_ms) const {
    core::SlotFacts f;
    f.slot = subject_.slot;
    f.port = subject_.port;
    f.present = present_ && job_.state != JobState::awaiting_boot;
    f.presence = !f.present ? core::Presence::empty
                            : (job_.step == 0 ? core::Presence::recovery : core::Presence::gadget);
    f.has_job = true;
    f.state = job_.state;
    f.unit = subject_.unit;
    f.job = subject_.job;
    f.attempt = subject_.attempt;
    f.serial = serial_;
    f.away = job_.away;
    f.chip_check = chip_check_;
    f.stage = stage_;
    f.image_tick = image_tick_;
    f.serial_tick = serial_tick_;
    f.since_ms = subject_.began_ms + step_began_ms_;
    if (verdict_) {
        f.saved_tick = verdict_->outcome == core::Outcome::pass;
        f.outcome = verdict_->outcome;
        f.since_ms = subject_.began_ms + judged_ms_;
        f.present = true;  // as the tile stood then; there is nothing to press while a unit is in
        f.presence = core::Presence::other;
        if (verdict_->error) {
            f.code = verdict_->error->code;
            f.message = verdict_->error->message;
        }
        return f;
    }
    f.step_count = job_.last_step + 1;
    f.step_index = std::min(step_index_, job_.last_step);
    f.step_name = step_;
    f.dot = core::dot_of(step_);
    if (job_.worker_running && !ended_) {
        f.percent = progress_.percent();
        if (job_.state != JobState::stopping) {
            f.time_left_s = progress_.time_left_s((at_ms - step_began_ms_) * 1'000'000);
        }
    }
    if (job_.state == JobState::interrupted) {
        f.interrupted_action = job_.flash_again ? "Switch off and on" : "Check unit";
    }
    return f;
}

}  // namespace lineside::rerun
