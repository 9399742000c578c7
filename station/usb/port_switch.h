// SPDX-License-Identifier: Apache-2.0
// Switches the power of one port of a hub by the kernel's own attribute (`disable` of a port in
// sysfs, Linux 6.0): it tells the hub, and what is read back is the hub's own word. A socket is two
// ports where the hub has USB 3, and its 5 V go away only when both are off.
// Errors: power.failed.   Thread: any; blocks until the kernel has let go of what was plugged in.
#pragma once

#include "station/base/error.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace lineside::usb {

// wHubCharacteristics of a hub (USB 2.0, 11.23.2.1), by its bus and device number; nothing when it
// does not say. The real one asks the hub by a control transfer, which only root may.
using AskHub = std::function<std::optional<unsigned>(int bus, int device, bool super_speed)>;
[[nodiscard]] std::optional<unsigned> ask_hub(int bus, int device, bool super_speed);

// Where all this is; tests put it elsewhere.
struct Ports {
    std::filesystem::path sysfs = "/sys";
    AskHub ask = ask_hub;
    std::chrono::milliseconds settle{1000};  // a hub may take to switch
};

// Whether there is such a port, and its hub can switch it alone, at both halves. Switches nothing.
// Errors: power.failed.
[[nodiscard]] base::Status can_switch(std::string_view key, const Ports& ports = {});

// Switches both halves and asks the hub whether each is what it should be, and after `off` whether
// what was plugged in is gone; one that refuses is given its power back. A key does not say which
// half it means: it is the USB 2 one, as a unit in recovery mode is a USB 2 device.
// Errors: power.failed: no such port, a kernel or a hub that cannot, a hub that did not.
[[nodiscard]] base::Status switch_port(std::string_view key, bool on, const Ports& ports = {});

}  // namespace lineside::usb
