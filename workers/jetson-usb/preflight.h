// SPDX-License-Identifier: Apache-2.0
// What is looked at before the unit is touched.
#pragma once

#include "workers/jetson-usb/plan.h"

namespace lineside::jetson_usb {

// Errors: lane.failed, disk.full, image.broken, tool.missing, usb.no_device, order.wrong_model,
// usb.link.
[[nodiscard]] Status check_lane(const Params& params, const Plan& plan);
[[nodiscard]] Status check_unit(const Params& params);

// Takes what earlier units left in the lane out of it. Errors: lane.failed.
[[nodiscard]] Status clear_stale(const Params& params, const Plan& plan);

// Where the tool writes, its lane or /tmp, if hardly anything more goes there; else "". The tools
// do not always say so: one that maps its files is killed by the kernel instead.
[[nodiscard]] std::string place_without_room(const Params& params);

}  // namespace lineside::jetson_usb
