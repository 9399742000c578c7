// SPDX-License-Identifier: Apache-2.0
// What is plugged into one port, from the kernel's copy of its descriptors in sysfs: one file
// instead of a scan of the whole bus. Nothing is sent to the device: the boot ROM gives its chip id
// with the first bulk IN, once per recovery entry, and whoever takes it spoils the run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::jetson_usb {

struct UsbUnit {
    std::string id;  // "0955:7e19"
    bool bulk_in = false;
    bool bulk_out = false;
};

// Of the device's first configuration. Nothing where `bytes` are no device descriptor.
[[nodiscard]] std::optional<UsbUnit> parse_descriptors(std::string_view bytes);

// The device at `bus_port` ("1-1.3"), if any.
[[nodiscard]] std::optional<UsbUnit> unit_at(
    std::string_view bus_port, const std::filesystem::path& devices = "/sys/bus/usb/devices");

// Is the hub above `bus_port` there? True at a root port, which has none.
[[nodiscard]] bool hub_above(std::string_view bus_port,
                             const std::filesystem::path& devices = "/sys/bus/usb/devices");

}  // namespace lineside::jetson_usb
