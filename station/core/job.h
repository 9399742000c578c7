// SPDX-License-Identifier: Apache-2.0
// One attempt on one unit, as the transition function sees it. Thread: any (plain values).
#pragma once

#include "station/base/error.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::core {

enum class JobState {
    queued,         // waits for room
    preparing,      // image verified, serial reserved
    flashing,       // the flash worker runs
    awaiting_boot,  // flashed; the unit is starting, absence is expected
    provisioning,   // a worker of a later step runs
    verifying,      // every step done; the verdict is being taken from the database
    stopping,       // ending badly: waits for the worker to be gone
    interrupted,    // the service died during this job; waits for the unit
    closed,         // has an outcome
};

enum class Outcome { pass, fail, error, aborted };

[[nodiscard]] std::string_view to_text(JobState state);
[[nodiscard]] std::optional<JobState> job_state_from_text(std::string_view text);
[[nodiscard]] std::string_view to_text(Outcome outcome);  // "PASS" …
[[nodiscard]] std::optional<Outcome> outcome_from_text(std::string_view text);
// FAIL blames the unit, ERROR the station or its surroundings, ABORTED a person.
[[nodiscard]] Outcome outcome_of(const base::Error& error);

// The unit is switched off and on before a retry of its flash.
enum class PowerCycle {
    none,
    switching,  // off and on is under way
    returning,  // it is on again; the unit is awaited in recovery mode
};

struct Job {
    JobState state = JobState::queued;
    int step = 0;          // index into the recipe
    int step_attempt = 0;  // of that step, from 1
    int last_step = 0;     // index of the recipe's last step
    int retries = 0;       // automatic retries the present step may have
    bool worker_running = false;
    bool away = false;         // left inside an announced window
    bool flash_again = false;  // interrupted before the flash was done
    int resume_at = 0;  // interrupted later: goes on here once the unit is known again; 0 = no
    PowerCycle power = PowerCycle::none;
    bool power_left = false;            // … its port was seen empty meanwhile
    bool power_back = false;            // … and then the unit in recovery mode
    bool wait_again = false;            // stopping, to be interrupted once more instead of ending
    std::optional<base::Error> ending;  // why it is stopping or closed
};

}  // namespace lineside::core
