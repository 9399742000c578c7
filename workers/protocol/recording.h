// SPDX-License-Identifier: Apache-2.0
// One line of a recording ("<nn>-<step>.events.jsonl"): who said what, when. The station writes it
// beside the job's log, with secrets already replaced; workers/replay plays it back.
//   {"at_ms":1234,"dir":"in","line":{"ev":"phase",…}}     in = worker -> station
// A line that is no JSON object is kept as {"at_ms":…,"dir":"in","text":"…"}, cut to 512 bytes.
// Thread: any.
#pragma once

#include "workers/protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::protocol {

enum class Direction { in, out };  // as the station sees it

struct Recorded {
    std::int64_t at_ms = 0;  // since the worker was started
    Direction direction = Direction::in;
    Json line;         // null when the line was no JSON object
    std::string text;  // then this, at most 512 bytes
};

// Each with its '\n'. `line` is what came from the worker, without '\n', after redaction.
[[nodiscard]] std::string record_in(std::int64_t at_ms, std::string_view line);
[[nodiscard]] std::string record_out(std::int64_t at_ms, const FromStation& message);
// Errors: protocol.invalid.
[[nodiscard]] base::Result<Recorded> parse_recorded(std::string_view line);

}  // namespace lineside::protocol
