// SPDX-License-Identifier: Apache-2.0
// The one table from what is so at a slot to what its tile shows: state, word, icon, tone, action.
// Wall, unit page, status page and command line all read this; nobody else chooses words.
// Thread: any (pure).
#pragma once

#include "station/core/job.h"
#include "station/core/profile.h"
#include "station/core/schedule.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lineside::core {

enum class Presence { empty, recovery, gadget, other };

// Why a unit that is there is not being worked on.
enum class Hold {
    none,
    acknowledge_first,  // the verdict of the unit before is not acknowledged
    no_order,           // no open order for this model
    pool_empty,
    image_building,  // an image is being built or verified
    never_a_target,  // a device that must never be flashed
    spent,           // this unit was judged here and is still plugged in
    slot_closed,
    ports_mapped,  // a technician is mapping the ports
};

// What a PASS still waits for where its label is scanned at the slot before the tile clears.
enum class LabelWait {
    none,
    printing,
    failed,  // not printed
    scan,    // printed: to be scanned
    wrong,   // another unit's label was scanned
};

struct SlotFacts {
    std::string slot;
    std::string port;
    bool mapped = true;
    Presence presence = Presence::empty;
    bool present = false;
    std::string model;  // name for people, "" if unknown
    Hold hold = Hold::none;
    std::string hold_reason;              // sentence of that hold
    std::optional<int> position_in_line;  // 1 = next
    std::optional<Full> waits_for;        // what has no room for it
    bool closed = false;                  // starts nothing until a technician reopens it
    bool closed_by_rule = false;          // the trouble is the slot's, else a person closed it
    std::string closed_why;
    std::int64_t since_ms = 0;

    // The job that runs here, or whose verdict is shown.
    bool has_job = false;
    JobState state = JobState::closed;
    std::string step_name;  // of the running step
    std::string step_word;  // progress word of a step, "" = by table
    Dot dot = Dot::start;
    int step_index = 0;
    int step_count = 0;
    bool away = false;
    bool power_switch = false;    // the slot has one of its own
    bool power_cycle = false;     // the unit is switched off and on …
    bool switch_by_hand = false;  // … by a person, who has not done it yet
    bool power_left = false;      // … and was seen leaving
    int stage = 0;
    std::optional<int> percent;
    std::optional<int> time_left_s;
    std::optional<Outcome> outcome;
    std::string code;
    std::string message;
    bool timed_out = false;
    bool acknowledged = false;
    std::string stopped_by;
    std::string serial;
    std::int64_t unit = 0;
    std::int64_t job = 0;
    int attempt = 0;
    bool image_tick = false, serial_tick = false, saved_tick = false;
    // When its method learns the chip id (hello of workers/protocol): before_write, after_boot,
    // never; "" while it has not said.
    std::string chip_check;
    LabelWait label = LabelWait::none;
    std::string interrupted_action;  // what to do with an interrupted unit
};

// The Tile of web/api/openapi.yaml.
[[nodiscard]] base::Json tile(const SlotFacts& facts);

}  // namespace lineside::core
