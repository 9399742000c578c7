// SPDX-License-Identifier: Apache-2.0
// One test row per row of the table in README.md: from-state, event, to-state, effects in order.
#include "station/core/job_machine.h"

#include <gtest/gtest.h>

namespace lineside::core {
namespace {

const Policy kPolicy{{0, 0, 1}};  // step 2 may be retried once

Job in(JobState state, int step = 0, int attempt = 1) {
    Job job;
    job.state = state;
    job.step = step;
    job.step_attempt = attempt;
    job.last_step = 2;
    job.retries = kPolicy.retries[static_cast<std::size_t>(step)];
    job.worker_running = state == JobState::flashing || state == JobState::provisioning;
    return job;
}

std::string names(const std::vector<Effect>& effects) {
    struct Name {
        std::string operator()(const CommitState&) const { return "state"; }
        std::string operator()(const CommitStepStart& e) const {
            return fmt::format("step_start {}.{}", e.step, e.attempt);
        }
        std::string operator()(const CommitStepEnd& e) const {
            return fmt::format("step_end {}.{} {}", e.step, e.attempt,
                               e.stopped ? "stopped"
                               : e.error ? e.error->code
                                         : "ok");
        }
        std::string operator()(const CommitVerdict&) const { return "verdict"; }
        std::string operator()(const Prepare&) const { return "prepare"; }
        std::string operator()(const StartWorker& e) const {
            return fmt::format("worker {}.{}", e.step, e.attempt);
        }
        std::string operator()(const StopWorker&) const { return "stop_worker"; }
        std::string operator()(const WaitForBoot&) const { return "wait_boot"; }
        std::string operator()(const WaitForReplug&) const { return "wait_replug"; }
        std::string operator()(const StopWaiting&) const { return "stop_waiting"; }
        std::string operator()(const CyclePower&) const { return "power"; }
        std::string operator()(const WaitForReturn&) const { return "wait_return"; }
        std::string operator()(const WaitForUnit&) const { return "wait_unit"; }
    };
    std::string text;
    for (const Effect& effect : effects) {
        text += (text.empty() ? "" : ", ") + std::visit(Name{}, effect);
    }
    return text;
}

struct Row {
    Job from;
    JobEvent event;
    JobState to;
    std::string effects;
    std::string ending;  // code, "" = none
};

base::Error error(std::string_view code, bool retry) {
    base::Error e = base::make_error(code);
    e.retry = retry;
    return e;
}

class JobTable : public testing::TestWithParam<Row> {};

TEST_P(JobTable, Row) {
    const Row& row = GetParam();
    const Transition t = next(row.from, row.event, kPolicy);
    EXPECT_EQ(to_text(t.to.state), to_text(row.to));
    EXPECT_EQ(names(t.effects), row.effects);
    EXPECT_EQ(t.to.ending ? t.to.ending->code : "", row.ending);
    bool acted = false;
    for (const Effect& effect : t.effects) {
        acted = acted || !is_commit(effect);
        EXPECT_FALSE(acted && is_commit(effect)) << "a commit behind an act";
    }
}

Job stopping(bool worker) {
    Job job = in(JobState::stopping);
    job.worker_running = worker;
    job.ending = base::make_error("usb.left");
    return job;
}
Job interrupted(bool flash_again) {
    Job job = in(JobState::interrupted, flash_again ? 0 : 2);
    job.flash_again = flash_again;
    return job;
}
Job resumed(int step, int at) {
    Job job = in(JobState::provisioning, step);
    job.last_step = 4;
    job.worker_running = true;
    job.resume_at = at;
    return job;
}
Job leaving_again() {
    Job job = resumed(1, 3);
    job.state = JobState::stopping;
    job.wait_again = true;
    job.ending = base::make_error("usb.left");
    return job;
}
Job away(Job job) {
    job.away = true;
    return job;
}

using S = JobState;
INSTANTIATE_TEST_SUITE_P(
    All, JobTable,
    testing::Values(
        Row{in(S::queued), Admitted{}, S::preparing, "state, prepare", ""},
        Row{in(S::queued), UnitLeft{}, S::stopping, "verdict, stop_waiting", "operator.removed"},
        Row{in(S::queued), StopAsked{error("operator.stopped", true)}, S::stopping,
            "verdict, stop_waiting", "operator.stopped"},
        Row{in(S::queued), StepOk{}, S::queued, "", ""},
        Row{in(S::preparing, 0, 0), Prepared{}, S::flashing, "step_start 0.1, worker 0.1", ""},
        Row{in(S::preparing), PrepareFailed{error("pool.empty", false)}, S::stopping,
            "verdict, stop_waiting", "pool.empty"},
        Row{in(S::preparing), UnitLeft{}, S::stopping, "verdict, stop_waiting", "operator.removed"},
        Row{in(S::preparing), StopAsked{error("operator.stopped", true)}, S::stopping,
            "verdict, stop_waiting", "operator.stopped"},
        Row{in(S::flashing), StepOk{}, S::awaiting_boot, "step_end 0.1 ok, wait_boot", ""},
        Row{in(S::flashing), StepFailed{error("tool.failed", true)}, S::stopping,
            "step_end 0.1 tool.failed, verdict, stop_waiting", "tool.failed"},
        Row{in(S::flashing), UnitLeft{false}, S::stopping, "stop_worker, stop_waiting", "usb.left"},
        Row{in(S::flashing), UnitLeft{true}, S::flashing, "wait_replug", ""},
        Row{away(in(S::flashing)), UnitBack{}, S::flashing, "stop_waiting", ""},
        Row{away(in(S::flashing)), ReplugTimeout{}, S::stopping, "stop_worker, stop_waiting",
            "usb.left"},
        Row{in(S::flashing), StopAsked{error("operator.stopped", true)}, S::stopping,
            "stop_worker, stop_waiting", "operator.stopped"},
        Row{in(S::flashing), InRecovery{}, S::flashing, "", ""},
        Row{in(S::awaiting_boot), GadgetReady{}, S::provisioning,
            "step_start 1.1, stop_waiting, worker 1.1", ""},
        Row{in(S::awaiting_boot), InRecovery{}, S::stopping, "verdict, stop_waiting",
            "boot.back_in_recovery"},
        Row{in(S::awaiting_boot), BootTimeout{false}, S::stopping, "verdict, stop_waiting",
            "boot.none"},
        Row{in(S::awaiting_boot), BootTimeout{true}, S::stopping, "verdict, stop_waiting",
            "boot.no_network"},
        Row{in(S::awaiting_boot), UnitLeft{false}, S::awaiting_boot, "", ""},
        Row{in(S::awaiting_boot), StopAsked{error("operator.stopped", true)}, S::stopping,
            "verdict, stop_waiting", "operator.stopped"},
        Row{in(S::provisioning, 1), StepOk{}, S::provisioning,
            "step_end 1.1 ok, step_start 2.1, stop_waiting, worker 2.1", ""},
        Row{in(S::provisioning, 2), StepOk{}, S::verifying,
            "step_end 2.1 ok, verdict, stop_waiting", ""},
        Row{in(S::provisioning, 2), StepFailed{error("step.set-wifi-ap", true)}, S::provisioning,
            "step_end 2.1 step.set-wifi-ap, step_start 2.2, worker 2.2", ""},
        Row{in(S::provisioning, 2, 2), StepFailed{error("step.set-wifi-ap", true)}, S::stopping,
            "step_end 2.2 step.set-wifi-ap, verdict, stop_waiting", "step.set-wifi-ap"},
        Row{in(S::provisioning, 2), StepFailed{error("serial.mismatch", false)}, S::stopping,
            "step_end 2.1 serial.mismatch, verdict, stop_waiting", "serial.mismatch"},
        Row{in(S::provisioning, 1), ProofFailed{error("image.mismatch", true)}, S::stopping,
            "stop_worker, stop_waiting", "image.mismatch"},
        Row{in(S::provisioning, 1), UnitLeft{false}, S::stopping, "stop_worker, stop_waiting",
            "usb.left"},
        Row{away(in(S::provisioning, 1)), ReplugTimeout{}, S::stopping, "stop_worker, stop_waiting",
            "boot.none"},
        Row{in(S::provisioning, 1), InRecovery{}, S::stopping, "stop_worker, stop_waiting",
            "boot.back_in_recovery"},
        Row{stopping(true), StepOk{}, S::stopping, "step_end 0.1 stopped, verdict, stop_waiting",
            "usb.left"},
        Row{stopping(true), StepFailed{error("worker.died", true)}, S::stopping,
            "step_end 0.1 stopped, verdict, stop_waiting", "usb.left"},
        Row{stopping(false), StepOk{}, S::stopping, "", "usb.left"},
        Row{stopping(false), Concluded{}, S::closed, "", "usb.left"},
        Row{in(S::verifying), Concluded{}, S::closed, "", ""},
        Row{in(S::verifying), UnitLeft{}, S::verifying, "", ""},
        Row{interrupted(true), InRecovery{}, S::preparing, "state, prepare", ""},
        Row{interrupted(true), GadgetReady{}, S::stopping, "verdict, stop_waiting",
            "station.restarted"},
        Row{interrupted(false), InRecovery{}, S::stopping, "verdict, stop_waiting",
            "boot.back_in_recovery"},
        Row{interrupted(false), GadgetReady{}, S::provisioning,
            "step_start 2.2, stop_waiting, worker 2.2", ""},
        Row{resumed(1, 3), StepOk{}, S::provisioning,
            "step_end 1.1 ok, step_start 3.1, stop_waiting, worker 3.1", ""},
        Row{resumed(1, 99), StepOk{}, S::verifying, "step_end 1.1 ok, verdict, stop_waiting", ""},
        Row{resumed(1, 3), UnitLeft{false}, S::stopping, "stop_worker, stop_waiting", "usb.left"},
        Row{resumed(1, 3), StepFailed{error("usb.left", false)}, S::interrupted,
            "step_end 1.1 stopped, state, stop_waiting, wait_unit", ""},
        Row{resumed(1, 3), StepFailed{error("ssh.lost", false)}, S::stopping,
            "step_end 1.1 ssh.lost, verdict, stop_waiting", "ssh.lost"},
        Row{leaving_again(), StepOk{}, S::interrupted,
            "step_end 1.1 stopped, state, stop_waiting, wait_unit", ""},
        Row{leaving_again(), StepFailed{error("worker.died", true)}, S::interrupted,
            "step_end 1.1 stopped, state, stop_waiting, wait_unit", ""},
        Row{leaving_again(), ProofFailed{error("unit.duplicate_chip", false)}, S::stopping, "",
            "unit.duplicate_chip"},
        Row{leaving_again(), StopAsked{error("operator.stopped", true)}, S::stopping, "",
            "operator.stopped"},
        Row{interrupted(true), UnitLeft{}, S::interrupted, "", ""},
        Row{interrupted(true), StopAsked{error("operator.stopped", true)}, S::stopping,
            "verdict, stop_waiting", "operator.stopped"},
        Row{in(S::closed), UnitLeft{}, S::closed, "", ""}));

// A slot that can switch its unit off and on.
class PowerTable : public testing::TestWithParam<Row> {};

TEST_P(PowerTable, Row) {
    const Row& row = GetParam();
    const Transition t = next(row.from, row.event, Policy{{1, 0, 1}, true, true});
    EXPECT_EQ(to_text(t.to.state), to_text(row.to));
    EXPECT_EQ(names(t.effects), row.effects);
    EXPECT_EQ(t.to.ending ? t.to.ending->code : "", row.ending);
    EXPECT_EQ(t.to.power == PowerCycle::none,
              row.to == S::stopping || row.effects.find("worker") != std::string::npos);
}

Job cycling(PowerCycle power, bool left, bool back) {
    Job job = in(S::flashing);
    job.worker_running = false;
    job.power = power;
    job.power_left = left;
    job.power_back = back;
    return job;
}
Job with_retries(Job job, int retries) {
    job.retries = retries;
    return job;
}

constexpr auto kSwitching = PowerCycle::switching;
constexpr auto kReturning = PowerCycle::returning;
INSTANTIATE_TEST_SUITE_P(
    All, PowerTable,
    testing::Values(
        Row{with_retries(in(S::flashing), 1), StepFailed{error("usb.cycle", true)}, S::flashing,
            "step_end 0.1 usb.cycle, stop_waiting, power", ""},
        Row{away(with_retries(in(S::flashing), 1)), StepFailed{error("usb.cycle", true)},
            S::flashing, "step_end 0.1 usb.cycle, stop_waiting, power", ""},
        Row{with_retries(in(S::flashing, 0, 2), 1), StepFailed{error("usb.cycle", true)},
            S::stopping, "step_end 0.2 usb.cycle, verdict, stop_waiting", "usb.cycle"},
        Row{with_retries(in(S::flashing), 1), StepFailed{error("unit.fused", false)}, S::stopping,
            "step_end 0.1 unit.fused, verdict, stop_waiting", "unit.fused"},
        Row{in(S::provisioning, 2), StepFailed{error("ssh.lost", true)}, S::provisioning,
            "step_end 2.1 ssh.lost, step_start 2.2, worker 2.2", ""},
        Row{cycling(kSwitching, false, false), UnitLeft{false}, S::flashing, "", ""},
        Row{cycling(kSwitching, true, false), InRecovery{}, S::flashing, "", ""},
        Row{cycling(kSwitching, true, true), PowerCycled{}, S::flashing,
            "step_start 0.2, stop_waiting, worker 0.2", ""},
        Row{cycling(kSwitching, true, false), PowerCycled{}, S::flashing, "wait_return", ""},
        Row{cycling(kSwitching, false, false), PowerCycled{}, S::stopping, "verdict, stop_waiting",
            "power.no_effect"},
        Row{cycling(kSwitching, true, false), PowerFailed{error("power.failed", true)}, S::stopping,
            "verdict, stop_waiting", "power.failed"},
        Row{cycling(kReturning, true, false), InRecovery{}, S::flashing,
            "step_start 0.2, stop_waiting, worker 0.2", ""},
        Row{cycling(kReturning, true, false), GadgetReady{}, S::flashing, "", ""},
        Row{cycling(kReturning, true, false), ReplugTimeout{}, S::stopping, "verdict, stop_waiting",
            "power.no_return"},
        Row{cycling(kReturning, true, false), StopAsked{error("operator.stopped", true)},
            S::stopping, "verdict, stop_waiting", "operator.stopped"},
        Row{cycling(kSwitching, false, false), StepOk{}, S::flashing, "", ""}));

// It came and went again before the power was said to be on: it is awaited anew.
TEST(JobMachine, A_unit_that_left_once_more_is_not_back) {
    const Policy policy{{1}, true, true};
    const auto left = next(cycling(kSwitching, true, true), UnitLeft{}, policy).to;
    EXPECT_FALSE(left.power_back);
    EXPECT_EQ(names(next(left, PowerCycled{}, policy).effects), "wait_return");
    // … and one that never left is not back either, whatever the bus repeats.
    const auto same = next(cycling(kSwitching, false, false), InRecovery{}, policy).to;
    EXPECT_FALSE(same.power_back);
}

TEST(JobMachine, A_disk_that_was_written_does_not_boot) {
    const Policy disk{{0, 0}, false};
    Job job = in(S::flashing);
    job.last_step = 1;
    auto t = next(job, StepOk{}, disk);
    EXPECT_EQ(to_text(t.to.state), to_text(S::provisioning));
    EXPECT_EQ(names(t.effects), "step_end 0.1 ok, step_start 1.1, stop_waiting, worker 1.1");
    job.last_step = 0;
    t = next(job, StepOk{}, disk);
    EXPECT_EQ(to_text(t.to.state), to_text(S::verifying));
    EXPECT_EQ(names(t.effects), "step_end 0.1 ok, verdict, stop_waiting");
    EXPECT_FALSE(t.to.away);
}

TEST(JobMachine, State_names_go_both_ways) {
    for (int i = 0; i <= static_cast<int>(S::closed); ++i) {
        const auto state = static_cast<S>(i);
        EXPECT_EQ(job_state_from_text(to_text(state)), state);
    }
    EXPECT_FALSE(job_state_from_text("nonsense"));
}

}  // namespace
}  // namespace lineside::core
