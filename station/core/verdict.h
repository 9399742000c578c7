// SPDX-License-Identifier: Apache-2.0
// The one function that decides what became of a job. Its input is read from the database in the
// transaction that writes the outcome, so a PASS rests on committed rows and nothing else.
// Thread: any (pure).
#pragma once

#include "station/core/job.h"

namespace lineside::core {

// What the database holds about a job at the moment of the verdict.
struct Evidence {
    bool all_steps_ok = false;  // every step of the recipe has a row that ended ok
    bool image_proven =
        false;  // a proof row of kind image with ok = 1, and none with ok = 0 after it
    bool serial_heard = false;  // likewise for the serial
    bool lease_burned = false;  // the unit's live lease is burned
    bool serial_wanted = true;  // the order gives each unit one; else the two above do not count
};

struct Verdict {
    Outcome outcome = Outcome::error;
    std::optional<base::Error> error;  // set unless PASS
};

// `ending` is why the job ended badly, or nothing when every step came through.
[[nodiscard]] Verdict decide(const Evidence& evidence, const std::optional<base::Error>& ending);

}  // namespace lineside::core
