// SPDX-License-Identifier: Apache-2.0
// The typed parameters of a jetson-usb step; README.md has their table. Everything is checked here,
// before the unit is touched.
// Errors: config.invalid, naming the field.   Thread: as any value.
#pragma once

#include "workers/container/settings.h"
#include "workers/jetson-usb/way.h"
#include "workers/protocol/messages.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lineside::jetson_usb {

using base::Json;
using base::Result;
using base::Status;
using std::chrono::milliseconds;

// What the module's EEPROM must say. An empty list takes anything.
struct ExpectedBoard {
    std::string id;
    std::vector<std::string> sku;
    std::vector<std::string> fab;
};

// What the writes of NX eMMC end with; initrd flash names no partitions as it writes them.
[[nodiscard]] std::vector<std::string> usual_must_write(Way way);

struct Params {
    Way way = Way::flash;
    std::string board;    // of ways a and c: "jetson-xavier-nx-devkit-emmc"
    std::string rootdev;  // "mmcblk0p1"
    std::string tool;     // of way d: "initrd-flash" or "doflash.sh"
    ExpectedBoard expect_board;
    std::vector<std::string> usb_ids;  // recovery mode, "0955:7e19"
    std::vector<std::string> boot_ids{"0955:7020"};
    std::vector<std::string> gadget_ids;  // of the tool's own flash system, ways c and d
    std::vector<std::string> must_write = usual_must_write(Way::flash);
    std::chrono::seconds replug{120};  // away within the tool's own re-enumerations
    std::chrono::seconds boot{300};    // from the cold boot to the gadget
    milliseconds silence{60'000};      // base limit, from limits.silence_s
    std::map<std::string, milliseconds> stage_silence;  // own limit of a stage
    milliseconds total{1'800'000};
    std::string bus_port;
    std::string lane;
    std::optional<container::Settings> container;  // none: the tools run on the host
};

[[nodiscard]] Result<Params> read_params(const protocol::JobLine& job);

}  // namespace lineside::jetson_usb
