// SPDX-License-Identifier: Apache-2.0
// Which disk is the card somebody just put in: from the udev events since the card was asked out.
// Four ways of putting one in leave four patterns of counts; several candidates always mean asking,
// and the system's own disks are never one.   Thread: any (pure).
#pragma once

#include "workers/media/formats/report.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

struct PresentDisk {
    std::string dev;      // kernel name: "sda"
    bool system = false;  // holds the root file system, swap, or what else the host lives on
};

struct DiskEvent {
    std::string action;     // add, change, remove, …
    std::string dev;        // kernel name
    std::string subsystem;  // "block" counts, nothing else
    std::string devtype;    // "disk" counts, nothing else
};

struct CardSighting {
    std::vector<PresentDisk> present;  // before the first event
    std::vector<DiskEvent> events;     // in the order they came
};

struct CardGuess {
    std::vector<std::string> candidates;  // sorted
    // 1 a slot of a reader that was there; 2 a reader, then the card; 3 a reader with the card
    // inside; 4 an internal slot; 0 no pattern fits: every disk that made an event is a candidate.
    int scenario = 0;
    bool ask = false;  // more than one candidate, or no pattern
};

[[nodiscard]] CardGuess recognise_card(const CardSighting& sighting);

constexpr std::size_t kMaxSightingBytes = 1024 * 1024;
// {"present":[{"dev":"sda","system":true}],"events":[{"action":"add","dev":"sdb","subsystem":
// "block","devtype":"disk"}]}; good only where `report` has no error.
[[nodiscard]] CardSighting read_sighting(std::string_view text, Report& report);

}  // namespace lineside::media
