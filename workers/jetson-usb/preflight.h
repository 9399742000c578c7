// SPDX-License-Identifier: Apache-2.0
// What is looked at before the unit is touched, and how the unit's presence is told from the bus.
// Only descriptors the kernel already holds are read: the boot ROM gives its chip id with the first
// bulk IN, once per recovery entry, and whoever takes it spoils the run.
// Thread: one; blocks on libusb for some milliseconds.
#pragma once

#include "workers/jetson-usb/params.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::jetson_usb {

struct UsbUnit {
    std::string id;  // "0955:7e19"
    bool bulk_in = false;
    bool bulk_out = false;
};

// The device at `bus_port` ("1-1.3"), if any. Errors: host.unfit (libusb does not start).
[[nodiscard]] Result<std::optional<UsbUnit>> unit_at(std::string_view bus_port);

// Errors: lane.failed, image.broken, tool.missing, usb.no_device, order.wrong_model, usb.link.
[[nodiscard]] Status check_lane(const Params& params);
[[nodiscard]] Status check_unit(const Params& params);

}  // namespace lineside::jetson_usb
