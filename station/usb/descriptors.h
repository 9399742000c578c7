// SPDX-License-Identifier: Apache-2.0
// What a device says of itself, read by libusb from the kernel's copy of its descriptors. Nothing
// is sent to the device: the boot ROM gives its chip id with the first bulk read and only once.
// Errors: usb.no_device.   Thread: one.
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <memory>

struct libusb_context;

namespace lineside::usb {

struct Descriptors {
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    bool vendor_bulk_pair = false;  // one vendor interface with bulk IN and bulk OUT: recovery mode
};

// libusb keeps its list of the bus for the reader's life, in a thread of its own: making it anew
// reads every device there is, which holds up the event loop the longer the more boards there are.
class DescriptorReader {
  public:
    DescriptorReader();
    ~DescriptorReader();
    DescriptorReader(const DescriptorReader&) = delete;
    DescriptorReader& operator=(const DescriptorReader&) = delete;

    [[nodiscard]] base::Result<Descriptors> read(int bus, int device);

  private:
    struct Close {
        void operator()(libusb_context* context) const;
    };
    [[nodiscard]] base::Status open();
    [[nodiscard]] base::Result<Descriptors> find(int bus, int device) const;

    std::unique_ptr<libusb_context, Close> context_;
};

}  // namespace lineside::usb
