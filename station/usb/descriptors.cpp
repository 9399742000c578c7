// SPDX-License-Identifier: Apache-2.0
#include "station/usb/descriptors.h"

#include <libusb-1.0/libusb.h>

#include <memory>
#include <span>

namespace lineside::usb {
namespace {

struct FreeConfig {
    void operator()(libusb_config_descriptor* config) const {
        libusb_free_config_descriptor(config);
    }
};

bool has_vendor_bulk_pair(libusb_device* device) {
    libusb_config_descriptor* raw = nullptr;
    if (libusb_get_active_config_descriptor(device, &raw) != 0 &&
        libusb_get_config_descriptor(device, 0, &raw) != 0) {
        return false;
    }
    const std::unique_ptr<libusb_config_descriptor, FreeConfig> config(raw);
    for (const auto& interface : std::span(config->interface, config->bNumInterfaces)) {
        for (const auto& setting :
             std::span(interface.altsetting, static_cast<std::size_t>(interface.num_altsetting))) {
            bool in = false;
            bool out = false;
            for (const auto& endpoint : std::span(setting.endpoint, setting.bNumEndpoints)) {
                if ((endpoint.bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) ==
                    LIBUSB_TRANSFER_TYPE_BULK) {
                    ((endpoint.bEndpointAddress & LIBUSB_ENDPOINT_DIR_MASK) != 0 ? in : out) = true;
                }
            }
            if (setting.bInterfaceClass == LIBUSB_CLASS_VENDOR_SPEC && in && out) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

DescriptorReader::DescriptorReader() = default;
DescriptorReader::~DescriptorReader() = default;

void DescriptorReader::Close::operator()(libusb_context* context) const {
    libusb_exit(context);
}

base::Status DescriptorReader::open() {
    context_.reset();
    libusb_context* raw = nullptr;
    if (const int error = libusb_init(&raw); error != 0) {
        return base::fail("usb.no_device",
                          std::string("libusb cannot start: ") + libusb_error_name(error));
    }
    context_.reset(raw);
    return {};
}

base::Result<Descriptors> DescriptorReader::find(int bus, int device) const {
    libusb_device** list = nullptr;
    const ssize_t count = libusb_get_device_list(context_.get(), &list);
    base::Result<Descriptors> found =
        base::fail("usb.no_device", "libusb does not list the device");
    for (ssize_t i = 0; i < count; ++i) {
        if (libusb_get_bus_number(list[i]) != bus || libusb_get_device_address(list[i]) != device) {
            continue;
        }
        libusb_device_descriptor descriptor{};
        if (libusb_get_device_descriptor(list[i], &descriptor) == 0) {
            found = Descriptors{descriptor.idVendor, descriptor.idProduct,
                                has_vendor_bulk_pair(list[i])};
        }
    }
    if (count >= 0) {
        libusb_free_device_list(list, 1);
    }
    return found;
}

base::Result<Descriptors> DescriptorReader::read(int bus, int device) {
    if (context_) {
        if (auto found = find(bus, device)) {
            return found;
        }  // its own event may still be on the way
    }
    if (auto opened = open(); !opened) {
        return tl::unexpected<base::Error>(opened.error());
    }
    return find(bus, device);
}

}  // namespace lineside::usb
