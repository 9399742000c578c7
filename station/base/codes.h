// SPDX-License-Identifier: Apache-2.0
// The closed list of error codes, those of refused requests too (tests/lint/codes.py refuses one
// that is made elsewhere). One row per code says whom it blames, the short code the wall shows (F =
// the unit is to blame, E = station or surroundings, A = a person, C = no job at all), the
// sentence, the one action, and whether trying again can help. Journal, API, metrics, wall and docs
// all use this table. Thread: any (constant data).
#pragma once

#include "station/base/error.h"

#include <span>
#include <string>
#include <string_view>

namespace lineside::base {

struct CodeEntry {
    std::string_view code;  // "area.what"
    Kind kind;
    std::string_view display;   // "F12": what the wall shows
    std::string_view sentence;  // what is so, everyday words
    std::string_view action;    // one imperative
    bool retry;                 // can trying again help?
};

[[nodiscard]] std::span<const CodeEntry> all_codes();
[[nodiscard]] bool is_known_code(std::string_view code);
// The row of `code`; "step.<name>" has one shared row for all steps. An unknown code gives the row
// of "station.bug": what the list does not know never blames a unit.
[[nodiscard]] const CodeEntry& code_entry(std::string_view code);

}  // namespace lineside::base
