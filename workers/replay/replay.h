// SPDX-License-Identifier: Apache-2.0
// Plays a recorded conversation ("<nn>-<step>.events.jsonl") back as if the worker were at work, at
// any speed: engine, pages and bug reports need no board. Asks are asked again and wait for the
// answer of the station that listens now; the recorded result becomes this worker's result. Thread:
// one.
#pragma once

#include "workers/protocol/recording.h"
#include "workers/sdk/station.h"

#include <filesystem>
#include <vector>

namespace lineside::replay {

using base::Json;
using base::Result;

// The worker's side of a recording, in order. Lines that were no messages are kept out.
// Errors: config.missing, protocol.invalid (with the line's number).
[[nodiscard]] Result<std::vector<protocol::Recorded>> read_recording(
    const std::filesystem::path& file);

// Errors: those of the recording's result; worker.died when it ends without one.
[[nodiscard]] Result<Json> play(worker::Station& station,
                                const std::vector<protocol::Recorded>& lines, double speed);

}  // namespace lineside::replay
