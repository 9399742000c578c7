// SPDX-License-Identifier: Apache-2.0
// What flash.sh of R32 says, as data: which line begins which stage, how far that is, how long it
// may then be silent, and what the line means for the unit's presence on USB. A new tool version is
// a new row, not new code. Source: real logs and tool runs of R32.7.4 on Xavier NX; percentages by
// the times seen there. Thread: any (constant data).
#pragma once

#include <re2/re2.h>

#include <span>
#include <string_view>

namespace lineside::jetson_usb {

// flash.sh starts tegraflash twice; the same lines mean other things in each.
enum class Part {
    any,
    eeprom,  // before "Flashing target device started": reads the module's EEPROM
    flash,   // after it
};

enum class Meaning {
    none,
    will_replug,   // the unit is about to leave and come back in recovery mode
    is_back,       // it is there again
    begins_write,  // the first change of the unit's storage
    will_boot,     // it is about to leave and come back as a gadget
    success,       // the tool's own word that all went well; proves nothing by itself
};

struct Stage {
    std::string_view name;
    Part part;
    const RE2* line;  // matched anywhere in the line, time stamps removed
    double from_pct;  // of the whole step
    double to_pct;
    double silence_factor;  // times the job's silence limit
    Meaning meaning;
};
[[nodiscard]] std::span<const Stage> stages();  // in the order of a run

// The phases the station sees: named stretches of the whole.
struct PhaseSpan {
    std::string_view name;
    double from_pct;
    double to_pct;
};
[[nodiscard]] std::span<const PhaseSpan> phases();

// Lines whose groups are kept as facts of the unit.
struct FactRow {
    std::string_view key;
    const RE2* line;  // one group
};
[[nodiscard]] std::span<const FactRow> fact_rows();

}  // namespace lineside::jetson_usb
