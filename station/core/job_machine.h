// SPDX-License-Identifier: Apache-2.0
// Decides what happens next to one job. Pure: no clock, no I/O, no database.
// The returned effects are carried out in order; Commit effects come first and must be on disk
// before any other is begun (intent before effect). An event that means nothing in a state changes
// nothing. The table of this function is station/core/README.md; job_machine_test.cpp has a test
// for each row. Thread: any.
#pragma once

#include "station/core/job.h"

#include <variant>
#include <vector>

namespace lineside::core {

// ---- events
struct Admitted {};  // the scheduler has room
struct Prepared {};  // image verified, serial reserved (committed)
struct PrepareFailed {
    base::Error error;
};
struct StepOk {};  // the worker's result was ok; nothing of it is left
struct StepFailed {
    base::Error error;
};  // … was not, or it died; nothing of it is left
struct ProofFailed {
    base::Error error;
};  // what the unit said is not what it should be (committed)
struct UnitLeft {
    bool expected = false;
};
struct UnitBack {};     // same port, inside an announced window
struct InRecovery {};   // a unit entered recovery mode at this port
struct GadgetReady {};  // booted, with a network interface
struct BootTimeout {
    bool gadget_seen = false;
};
struct ReplugTimeout {};
struct StopAsked {
    base::Error why;
};                      // a person, or the service stopping
struct PowerCycled {};  // the unit's power is on again
struct PowerFailed {
    base::Error error;
};
struct Concluded {};  // the verdict is committed

using JobEvent = std::variant<Admitted, Prepared, PrepareFailed, StepOk, StepFailed, ProofFailed,
                              UnitLeft, UnitBack, InRecovery, GadgetReady, BootTimeout,
                              ReplugTimeout, StopAsked, PowerCycled, PowerFailed, Concluded>;

// ---- effects
struct CommitState {};  // the state alone: job.state
struct CommitStepStart {
    int step;
    int attempt;
};
struct CommitStepEnd {
    int step;
    int attempt;
    std::optional<base::Error> error;
    bool stopped = false;
};
struct CommitVerdict {};  // outcome by the one function, from committed proofs
struct Prepare {};
struct StartWorker {
    int step;
    int attempt;
};
struct StopWorker {
    std::string reason;
};
struct WaitForBoot {};    // arms the boot deadline
struct WaitForReplug {};  // arms the deadline of the announced window
struct StopWaiting {};    // disarms both
struct CyclePower {};     // switches the unit off and on
struct WaitForReturn {};  // arms the deadline for its return in recovery mode
struct WaitForUnit {};    // the job is interrupted again; its unit may be here already

using Effect = std::variant<CommitState, CommitStepStart, CommitStepEnd, CommitVerdict, Prepare,
                            StartWorker, StopWorker, WaitForBoot, WaitForReplug, StopWaiting,
                            CyclePower, WaitForReturn, WaitForUnit>;

struct Transition {
    Job to;
    std::vector<Effect> effects;
};

// `retries_of(step)` is the recipe's number of automatic retries for a step.
struct Policy {
    std::vector<int> retries;  // by step index
    bool boots = true;         // after the flash; a disk that was written does not
    bool power = false;        // the slot can switch its unit off and on
};

[[nodiscard]] Transition next(const Job& job, const JobEvent& event, const Policy& policy);

[[nodiscard]] bool is_commit(const Effect& effect);

}  // namespace lineside::core
