// SPDX-License-Identifier: Apache-2.0
// Step flash: the cached image onto the disk at the slot's port, and the proof of it: what the disk
// gives back, past the page cache, as one digest that the station compares.
// Errors: what open_target and the write engine say.   Thread: one; a second one writes.
#pragma once

#include "workers/media/engine/disk_rules.h"
#include "workers/sdk/station.h"

namespace lineside::media_writer {

[[nodiscard]] base::Result<base::Json> write_card(worker::Station& station);

// Enters the phases of method.toml (1 check, 2 write, 3 verify) behind `now` up to `phase`; true
// when it is another one by that.
bool enter_phases(worker::Station& station, int& now, int phase);

// What the disk says of itself, for the record.
void tell_facts(worker::Station& station, const media::DiskFacts& facts);

}  // namespace lineside::media_writer
