// SPDX-License-Identifier: Apache-2.0
// What a new life of the service does before anything else, in one transaction: count the epoch up,
// mark every open job as interrupted and end its running step, release what was never exposed, put
// in doubt what may be on a unit. Thread: the starting one, before the loop runs.   Durable: when
// the caller's transaction commits.
#pragma once

#include "station/journal/journal.h"

namespace lineside::journal {

struct InterruptedJob {
    base::JobId job;
    base::UnitId unit;
    base::OrderId order;
    std::string slot;
    std::string port;
    core::JobState was = core::JobState::queued;
    bool flashed = false;  // the flash step of this job ended ok
    int step = 0;          // index of the step to run next
    int step_attempt = 0;  // attempts of that step so far
    int attempt = 1;
    std::string image_key;
};

// A verdict that is not acknowledged yet, to be shown again.
struct OpenVerdict {
    base::JobId job;
    base::UnitId unit;
    std::string slot;
    core::Outcome outcome = core::Outcome::error;
    std::string code;
    std::string message;
    std::string serial;
    std::int64_t ended_ms = 0;
    int attempt = 1;
};

struct Recovered {
    std::int64_t epoch = 0;
    std::int64_t last_seq = 0;
    std::vector<InterruptedJob> interrupted;
    std::vector<OpenVerdict> unacknowledged;  // newest per slot
};

// `stamp.epoch` is ignored; the new epoch is in the result.
[[nodiscard]] Result<Recovered> recover(Tx& tx, Stamp stamp, const std::string& station_name);

}  // namespace lineside::journal
