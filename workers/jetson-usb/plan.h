// SPDX-License-Identifier: Apache-2.0
// How each way is started: argument words, environment, and what must be in the lane before a unit
// is touched. Data but for the unit's port and the profile's words. Thread: any (pure, but for
// initrd_words).
#pragma once

#include "workers/jetson-usb/params.h"

#include <optional>
#include <string>
#include <vector>

namespace lineside::jetson_usb {

struct Plan {
    std::vector<std::string> argv;
    std::vector<std::string> set_env;      // NAME=VALUE
    std::vector<std::string> drop_env;     // would skip the EEPROM, or change what is written
    std::vector<std::string> executables;  // below the lane
    std::vector<std::string> images;       // below the lane, not empty
    std::vector<std::string> stale;        // patterns below the lane, of earlier units: removed
};
// `instance`: of way c, 0 to 9. Errors: image.broken (the package's own words cannot be read).
[[nodiscard]] Result<Plan> plan_of(const Params& params, int instance);

// What `l4t_initrd_flash.sh --flash-only` would add for this package: initrdflashparam.txt, split
// at blanks. Errors: image.broken, also for a word that would be a shell's.
[[nodiscard]] Result<std::vector<std::string>> initrd_words(const std::string& lane);

}  // namespace lineside::jetson_usb
