// SPDX-License-Identifier: Apache-2.0
// Reads a plain progress line without building a JSON tree: 0.2 us instead of 4. Whatever is not
// plain (nesting, escapes, bytes beyond ASCII, another event, a value out of bounds) gives nothing
// and goes through protocol::parse_from_worker, which decides; where this gives a value, that gives
// the same. Thread: any (pure).
#pragma once

#include "workers/protocol/messages.h"

#include <optional>
#include <string_view>

namespace lineside::process {

[[nodiscard]] std::optional<protocol::Progress> fast_progress(std::string_view line);

}  // namespace lineside::process
