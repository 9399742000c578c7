// SPDX-License-Identifier: Apache-2.0
// One run of the BSP's own flash.sh against one unit: checks, starts the tool, follows its lines,
// compares the module before the first write, asks the station whether this unit may be written,
// and judges the end. Nothing of the tool is left afterwards. Thread: one.
#pragma once

#include "workers/jetson-usb/params.h"
#include "workers/sdk/station.h"

namespace lineside::jetson_usb {

[[nodiscard]] Result<Json> flash(worker::Station& station);

}  // namespace lineside::jetson_usb
