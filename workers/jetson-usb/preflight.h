// SPDX-License-Identifier: Apache-2.0
// What is looked at before the unit is touched.
#pragma once

#include "workers/jetson-usb/params.h"

namespace lineside::jetson_usb {

// Errors: lane.failed, image.broken, tool.missing, usb.no_device, order.wrong_model, usb.link.
[[nodiscard]] Status check_lane(const Params& params);
[[nodiscard]] Status check_unit(const Params& params);

}  // namespace lineside::jetson_usb
