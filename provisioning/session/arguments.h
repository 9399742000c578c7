// SPDX-License-Identifier: Apache-2.0
// Arguments of the steps of a prepared session: checked against their declaration, completed, told
// without secrets.   Thread: any (pure).
#pragma once

#include "provisioning/session/session.h"

namespace lineside::provisioning::session {

// Appends why `args` may not be given to `step` before the flash (`pre`) or on the booted unit.
void check_args(const StepFacts& step, const Args& args, bool pre, bool test_only,
                std::vector<Refusal>& refusals);
// With the declared defaults where nothing is given. REQUIRES: check_args() found nothing.
[[nodiscard]] Args completed(const StepFacts& step, Args args);
[[nodiscard]] bool same(const Args& a, const Args& b);
[[nodiscard]] bool same(const std::map<std::string, Args>& a, const std::map<std::string, Args>& b);

// "<what> is called "<text>"; did you mean "<known>"?". The text is repeated only where it is near
// a known name: anything else might be a secret in the wrong place.
[[nodiscard]] Refusal unknown_name(std::string_view code, std::string_view field,
                                   std::string_view what, std::string_view text,
                                   const std::vector<std::string_view>& known);

}  // namespace lineside::provisioning::session
