// SPDX-License-Identifier: Apache-2.0
// What the steps of a profile before the flash are for the image worker, and what they put in
// force: by the rules of a prepared session (provisioning/session), as config and worker ask them.
// An order is such a session: it opens with the order, its image is made once, every unit gets it,
// and with the order it ends.   Thread: any (pure).
#pragma once

#include "station/core/profile.h"
#include "workers/protocol/messages.h"

namespace lineside::engine {

// params.prepare and the secrets "<step>.<argument>"; nothing where nothing is done.
void add_preparation(const core::Profile& profile, protocol::JobLine& job);

// Step -> its arguments, a secret as "set" or "none".
[[nodiscard]] base::Json in_force_of(const core::Profile& profile);

}  // namespace lineside::engine
