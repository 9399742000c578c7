// SPDX-License-Identifier: Apache-2.0
// The other half of the same socket: USB 2 and USB 3 are two ports to the kernel, and it says which
// two are one socket (the firmware's tables; the link `peer` of a port in sysfs). Where it made no
// link, the places that the firmware gave to root ports say it too (`location`): kernels pair by it
// themselves, but not on a controller whose halves they met in an order they did not expect.
// Thread: any; reads links and a few small files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lineside::usb {

// Key of the port that is one socket with the port of this device; nothing where the kernel does
// not say.
[[nodiscard]] std::optional<std::string> peer_of(const std::string& device_syspath);

// The port of a USB device as slots know it: of a device at SuperSpeed the key is that of the other
// half, which is where the same unit was in recovery mode, and `half` is its own. Where nothing
// tells of another half the key stays its own. Nothing for what is no USB device.
[[nodiscard]] std::optional<PortPath> socket_of(const std::string& device_syspath);

// The same of a port, by its folder below its hub; nothing need be plugged in.
[[nodiscard]] std::optional<PortPath> socket_of_port_folder(const std::string& folder);

// From the real path of a port in sysfs, ".../usb2/2-1/2-1:1.0/2-1-port3" or
// ".../usb2/2-0:1.0/usb2-port3": the key of what is plugged in there.
[[nodiscard]] std::optional<std::string> key_of_port_folder(std::string_view folder);

}  // namespace lineside::usb
