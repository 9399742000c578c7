// SPDX-License-Identifier: Apache-2.0
// A slot is a physical port, never a device number. The key of a port is the controller's stable
// path plus the chain of hub ports: "pci-0000:00:14.0-usb-0:1.3". Bus numbers change over a reboot
// and are not part of it; separators stay, so 1.1 is never 11. A USB 3 socket is two ports on two
// buses of one controller, often with two numbers, and the path of the one can be that of another
// socket's other half: the key of a socket is always its USB 2 half's, where recovery mode is.
// Thread: any (pure).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lineside::usb {

constexpr int kSuperSpeed = 5000;  // Mbit/s, as sysfs has a device's speed; and more

struct PortPath {
    std::string key;  // "pci-0000:00:14.0-usb-0:1.3"
    std::string
        bus_port;  // "1-1.3": sysfs name, what the flash tools take; changes with the bus number
    std::string root_port;  // "pci-0000:00:14.0-usb-0:1": units behind one root port share its wire
    std::string half;  // of a device at SuperSpeed: the key of that half of the socket; else ""
};

// From a usb_device's sysfs path, e.g. "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.3".
// Nothing for a root hub and for what is not a USB device.
[[nodiscard]] std::optional<PortPath> port_of_syspath(std::string_view syspath);

// The usb_device part of the path of anything below it (interface, net, tty, block).
[[nodiscard]] std::optional<std::string> usb_device_above(std::string_view syspath);

// Is `text` the form of a port key? For configuration checks.
[[nodiscard]] bool is_port_key(std::string_view text);

// Is the port behind the hub at `hub_key` (at any depth)? "…:1" is above "…:1.3", not above "…:11".
[[nodiscard]] bool is_behind(std::string_view port_key, std::string_view hub_key);

}  // namespace lineside::usb
