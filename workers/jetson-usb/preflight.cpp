// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/preflight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libusb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

namespace lineside::jetson_usb {
namespace {

struct CloseContext {
    void operator()(libusb_context* context) const { libusb_exit(context); }
};

std::string bus_port_of(libusb_device* device) {
    std::array<std::uint8_t, 8> ports{};
    const int depth = libusb_get_port_numbers(device, ports.data(), static_cast<int>(ports.size()));
    if (depth <= 0) {
        return {};
    }
    return fmt::format("{}-{}", libusb_get_bus_number(device),
                       fmt::join(ports.begin(), ports.begin() + depth, "."));
}

UsbUnit read_descriptors(libusb_device* device) {
    UsbUnit unit;
    libusb_device_descriptor own{};
    libusb_get_device_descriptor(device, &own);
    unit.id = fmt::format("{:04x}:{:04x}", own.idVendor, own.idProduct);
    libusb_config_descriptor* config = nullptr;
    if (libusb_get_active_config_descriptor(device, &config) != 0 &&
        libusb_get_config_descriptor(device, 0, &config) != 0) {
        return unit;
    }
    for (std::uint8_t i = 0; i < config->bNumInterfaces; ++i) {
        const auto& interface = config->interface[i];
        for (int s = 0; s < interface.num_altsetting; ++s) {
            const auto& setting = interface.altsetting[s];
            for (std::uint8_t e = 0; e < setting.bNumEndpoints; ++e) {
                const auto& endpoint = setting.endpoint[e];
                if ((endpoint.bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) ==
                    LIBUSB_TRANSFER_TYPE_BULK) {
                    const bool in = (endpoint.bEndpointAddress & LIBUSB_ENDPOINT_IN) != 0;
                    (in ? unit.bulk_in : unit.bulk_out) = true;
                }
            }
        }
    }
    libusb_free_config_descriptor(config);
    return unit;
}

}  // namespace

Result<std::optional<UsbUnit>> unit_at(std::string_view bus_port) {
    libusb_context* raw = nullptr;
    if (const int error = libusb_init(&raw); error != 0) {
        return base::fail("host.unfit",
                          fmt::format("libusb does not start: {}", libusb_strerror(error)));
    }
    const std::unique_ptr<libusb_context, CloseContext> context(raw);
    libusb_device** list = nullptr;
    const auto count = libusb_get_device_list(context.get(), &list);
    std::optional<UsbUnit> found;
    for (ssize_t i = 0; i < count; ++i) {
        if (bus_port_of(list[i]) == bus_port) {
            found = read_descriptors(list[i]);
        }
    }
    if (count >= 0) {
        libusb_free_device_list(list, 1);
    }
    return found;
}

Status check_lane(const Params& params) {
    const std::filesystem::path lane(params.lane);
    std::error_code ignored;
    if (!std::filesystem::is_directory(lane, ignored)) {
        return base::fail("lane.failed", fmt::format("{} is not there", params.lane));
    }
    for (const char* tool : {"flash.sh", "bootloader/tegraflash.py"}) {
        if (::access((lane / tool).c_str(), X_OK) != 0) {
            return base::fail("tool.missing", fmt::format("The lane has no executable {}", tool));
        }
    }
    const auto size = std::filesystem::file_size(lane / "bootloader/system.img", ignored);
    if (ignored || size == 0) {
        return base::fail("image.broken", "The lane has no bootloader/system.img");
    }
    return {};
}

Status check_unit(const Params& params) {
    const auto found = unit_at(params.bus_port);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (!*found) {
        return base::fail("usb.no_device", fmt::format("No unit is on port {}", params.bus_port));
    }
    const UsbUnit& unit = **found;
    if (std::find(params.usb_ids.begin(), params.usb_ids.end(), unit.id) == params.usb_ids.end()) {
        if (std::find(params.boot_ids.begin(), params.boot_ids.end(), unit.id) !=
            params.boot_ids.end()) {
            return base::fail("usb.cycle",
                              "The unit has started instead of waiting in recovery mode");
        }
        return base::fail("order.wrong_model",
                          fmt::format("The unit on port {} is {}, the order wants {}",
                                      params.bus_port, unit.id, fmt::join(params.usb_ids, " or ")));
    }
    if (!unit.bulk_in || !unit.bulk_out) {
        return base::fail("usb.link", "The unit in recovery mode lacks its bulk endpoints");
    }
    return {};
}

}  // namespace lineside::jetson_usb
