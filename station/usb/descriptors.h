// SPDX-License-Identifier: Apache-2.0
// What a device says of itself, read by libusb from the kernel's copy of its descriptors. Nothing is
// sent to the device: the boot ROM gives its chip id with the first bulk read and only once.
// Errors: usb.no_device.   Thread: any; takes about a millisecond.
#pragma once

#include "station/base/error.h"

#include <cstdint>

namespace lineside::usb {

struct Descriptors {
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    bool vendor_bulk_pair = false;  // one vendor interface with bulk IN and bulk OUT: recovery mode
};

[[nodiscard]] base::Result<Descriptors> read_descriptors(int bus, int device);

}  // namespace lineside::usb
