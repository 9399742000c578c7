// SPDX-License-Identifier: Apache-2.0
#include "station/core/verdict.h"

namespace lineside::core {

Verdict decide(const Evidence& evidence, const std::optional<base::Error>& ending) {
    if (ending) {
        return {outcome_of(*ending), ending};
    }
    const bool serial = !evidence.serial_wanted || (evidence.serial_heard && evidence.lease_burned);
    if (evidence.all_steps_ok && evidence.image_proven && serial) {
        return {Outcome::pass, std::nullopt};
    }
    // Every worker said ok, but the proof is not in the database: never a PASS, and not the unit's
    // fault.
    base::Error error =
        base::make_error("station.bug", "All steps ended, but the proof of PASS is not complete");
    return {Outcome::error, std::move(error)};
}

}  // namespace lineside::core
