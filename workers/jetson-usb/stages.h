// SPDX-License-Identifier: Apache-2.0
// What the tools say while they work, as data, for each way: which line begins which stage, how far
// that is, how long it may then be silent, and what the line means for the unit's presence on USB.
// A new tool version is a new row, not new code. Source: the fact sheet on L4T, section 8, whose
// rows are numbered here (first table: flash.sh, second table: initrd flash), real logs and tool
// runs; percentages by the times seen there. Thread: any (constant data).
#pragma once

#include "workers/jetson-usb/way.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace lineside::jetson_usb {

// flash.sh starts tegraflash twice; the same lines mean other things in each.
enum class Part : std::uint8_t {
    any,
    eeprom,  // before "Flashing target device started": reads the module's EEPROM
    flash,   // after it
};

enum class Meaning : std::uint8_t {
    none,
    will_replug,   // the unit is about to leave and come back in recovery mode
    is_back,       // it is there again
    will_initrd,   // it is about to leave and come back as the gadget of the tool's flash system
    begins_write,  // the first change of the unit's storage
    will_boot,     // it is about to leave and come back as a gadget
    success,       // the tool's own word that all went well; proves nothing by itself
};

struct Stage {
    std::string_view name;
    int row;  // of the fact sheet's section 8; 0 = none
    Part part;
    std::string_view words;  // in lower case, any of them, '|' between
    const char* regex;       // must match the line too; nullptr = the words say it all
    double from_pct;         // of the whole step
    double to_pct;
    double silence_factor;  // times the job's silence limit
    Meaning meaning;
};
[[nodiscard]] std::span<const Stage> stages(Way way);  // in the order of a run

// The phases the station sees: named stretches of the whole.
struct PhaseSpan {
    std::string_view name;
    double from_pct;
    double to_pct;
};
[[nodiscard]] std::span<const PhaseSpan> phases();

// Lines whose group is kept as a fact of the unit.
struct FactRow {
    std::string_view key;
    std::string_view words;
    const char* regex;  // one group
};
[[nodiscard]] std::span<const FactRow> fact_rows();

}  // namespace lineside::jetson_usb
