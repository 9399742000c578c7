// SPDX-License-Identifier: Apache-2.0
// What a tool's log says of its run, without a station, a unit or a clock: the same tables and the
// same judgement as the worker's. Thread: any.
#pragma once

#include "workers/jetson-usb/transcript.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::jetson_usb {

enum class Outcome {
    flashed,  // the way's proof is there, and nothing speaks against it
    failed,
    unknown,  // no sign either way: cut off, empty, or of another tool
};
[[nodiscard]] std::string_view outcome_name(Outcome outcome);

struct Classified {
    Outcome outcome = Outcome::unknown;
    std::string stage;  // the last one seen; "" = none
    int stage_row = 0;  // of the fact sheet's section 8
    int row = 0;        // of its section 4; 0 = none
    Class what = Class::none;
    std::string code;    // of station/base/codes.cpp; "" unless failed
    std::string action;  // "" unless failed
    Retry retry = Retry::never;
    std::string chip_id;
    std::optional<Board> board;
    std::string line;  // that decided; "" = none
    // Of a failure that no row knows, and of an unknown outcome.
    std::vector<std::string> last_lines;
};
[[nodiscard]] Classified classify(const Transcript& seen, std::optional<int> exit_status);

// A log as a whole, cut into lines as the worker's tool runner does. `bytes` may be anything.
void read_log(std::string_view bytes, Transcript& into);

}  // namespace lineside::jetson_usb
