// SPDX-License-Identifier: Apache-2.0
// A worker that does what its script says, for tests of whoever runs workers: well-behaved, slow,
// silent, flooding, lying, dying. README.md has the table of steps.
// Thread: one.
#pragma once

#include "workers/sdk/station.h"

namespace lineside::sim {

using base::Json;
using base::Result;

// Runs job().params["script"], a list of steps. `channel` is the descriptor that raw text is
// written to. Errors: config.invalid (a step it does not know); whatever the script says.
[[nodiscard]] Result<Json> play(worker::Station& station, int channel);

}  // namespace lineside::sim
