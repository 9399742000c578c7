// SPDX-License-Identifier: Apache-2.0
// A recorded job, lived through again by the rules of the engine: the transition function, the
// progress of steps, the wall's table. No clock: whoever plays says when each thing was. Nothing is
// started, asked or written. Thread: any (plain values).
#pragma once

#include "station/core/job_machine.h"
#include "station/core/step_view.h"
#include "station/core/verdict.h"
#include "station/core/wall.h"
#include "workers/protocol/recording.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace lineside::rerun {

// What is known of the job from elsewhere.
struct Subject {
    std::string slot;
    std::string port;
    std::int64_t unit = 0;
    std::int64_t job = 0;
    int attempt = 0;
    int steps = 1;                 // of its recipe
    std::int64_t began_ms = 0;     // wall clock
    core::Policy policy;           // automatic retries that there were
    std::set<std::string> proven;  // kinds of proof that the records hold as good
};

class Player {
  public:
    explicit Player(Subject subject);

    // All times are milliseconds since the job began and never fall.
    void admitted(std::int64_t at_ms);
    // A step begins; `index` from 0, `attempt` from 1.
    void step(std::int64_t at_ms, int index, int attempt, std::string name);
    // A line of the step's recording. One that is no message changes nothing.
    void line(std::int64_t at_ms, const protocol::Recorded& recorded);
    // The recording of the step has ended. `error`: what is on record of a step that failed; a
    // worker that said no result and has none on record has died.
    void step_ended(std::int64_t at_ms, const std::optional<base::Error>& error,
                    bool interrupted = false);
    // What the records say of the job; rules over what was derived.
    void judged(std::int64_t at_ms, core::Verdict verdict, const std::string& serial);

    [[nodiscard]] const core::Job& job() const { return job_; }
    [[nodiscard]] const std::string& step_name() const { return step_; }
    [[nodiscard]] const std::string& phase() const { return phase_; }
    // Taken from the job's end, as far as a recording can say it: a PASS rests on committed proofs,
    // so it is never derived here.
    [[nodiscard]] const std::optional<core::Verdict>& verdict() const { return verdict_; }
    [[nodiscard]] core::SlotFacts facts(std::int64_t at_ms) const;
    // Rises with each change that a tile may show; the time left passes without one.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

  private:
    void deliver(const core::JobEvent& event);
    void heard(std::int64_t at_ms, const protocol::FromWorker& message);
    void said(std::int64_t at_ms, const protocol::FromStation& message);
    void port(std::int64_t at_ms, const protocol::PortState& state);

    Subject subject_;
    core::Job job_;
    std::string step_, phase_, chip_check_, serial_;
    core::StepProgress progress_;
    int stage_ = 0;
    int step_index_ = 0;  // of the step that runs, or ran last
    std::int64_t step_began_ms_ = 0;
    bool present_ = true;
    bool unannounced_ = false;  // left, and nobody had said that it would
    std::set<std::string> replug_;
    std::int64_t window_until_ms_ = 0;
    bool image_tick_ = false, serial_tick_ = false;
    bool ended_ = false;  // the step's worker has said its result
    std::optional<core::Verdict> verdict_;
    std::int64_t judged_ms_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace lineside::rerun
