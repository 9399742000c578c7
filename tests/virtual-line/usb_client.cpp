// SPDX-License-Identifier: Apache-2.0
// A test's view of the line through the unmodified libusb and libudev, as any user. Not a part of
// the line.
//   line-usb-client list               0955 devices: bus-port, ids, devnum, serial or "-", ID_PATH
//   line-usb-client send PORT MB [SIZE]  bulk OUT, prints MB/s (the boot ROM takes any message)
//   line-usb-client claim PORT SECONDS   holds interface 0
//   line-usb-client watch SECONDS        hot-plug, from libusb and from udev, with times
//   line-usb-client time-out PORT        an IN that nothing answers, given up after 300 ms
#include <libudev.h>
#include <libusb.h>
#include <poll.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string path_of(libusb_device* device) {
    std::uint8_t ports[8];
    const int count = libusb_get_port_numbers(device, ports, 8);
    std::string text = std::to_string(libusb_get_bus_number(device));
    for (int i = 0; i < count; i++) {
        text += (i != 0 ? "." : "-") + std::to_string(ports[i]);
    }
    return text;
}

std::string property(const std::string& name, const char* key, bool attribute) {
    auto* udev = udev_new();
    auto* device = udev_device_new_from_subsystem_sysname(udev, "usb", name.c_str());
    const char* text = nullptr;
    if (device != nullptr) {
        text = attribute ? udev_device_get_sysattr_value(device, key)
                         : udev_device_get_property_value(device, key);
    }
    const std::string value = text != nullptr ? text : "-";
    udev_device_unref(device);
    udev_unref(udev);
    return value;
}

int LIBUSB_CALL seen(libusb_context*, libusb_device* device, libusb_hotplug_event event, void*) {
    libusb_device_descriptor d{};
    libusb_get_device_descriptor(device, &d);
    std::printf("%.4f libusb %s %s %04x:%04x %d\n", now(),
                event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED ? "arrived" : "left",
                path_of(device).c_str(), d.idVendor, d.idProduct,
                libusb_get_device_address(device));
    std::fflush(stdout);
    return 0;
}

int watch(double seconds) {
    libusb_hotplug_register_callback(
        nullptr, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, 0x0955,
        LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, seen, nullptr, nullptr);
    auto* udev = udev_new();
    auto* monitor = udev_monitor_new_from_netlink(udev, "udev");
    udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
    udev_monitor_filter_add_match_subsystem_devtype(monitor, "net", nullptr);
    udev_monitor_enable_receiving(monitor);
    std::printf("watching\n");
    std::fflush(stdout);
    for (const double end = now() + seconds; now() < end;) {
        pollfd one{udev_monitor_get_fd(monitor), POLLIN, 0};
        if (poll(&one, 1, 20) > 0) {
            if (auto* device = udev_monitor_receive_device(monitor)) {
                const auto text = [](const char* value) { return value != nullptr ? value : "-"; };
                std::printf("%.4f udev %s %s %s %s\n", now(), text(udev_device_get_action(device)),
                            text(udev_device_get_subsystem(device)),
                            text(udev_device_get_sysname(device)),
                            text(udev_device_get_property_value(device, "ID_PATH")));
                std::fflush(stdout);
                udev_device_unref(device);
            }
        }
        timeval zero{0, 0};
        libusb_handle_events_timeout(nullptr, &zero);
    }
    return 0;
}

int send(libusb_device_handle* handle, const char* megabytes, const char* size_text) {
    const std::size_t total = static_cast<std::size_t>(std::atof(megabytes) * 1e6);
    const std::size_t size =
        size_text != nullptr ? static_cast<std::size_t>(std::atol(size_text)) : 1U << 20U;
    std::vector<unsigned char> data(size, 0x5a);
    // One message for the boot ROM: its length first.
    for (unsigned i = 0; i < 4; i++) {
        data[i] = static_cast<unsigned char>(total >> (8 * i));
    }
    const double start = now();
    std::size_t done = 0;
    int error = 0;
    while (done < total && error == 0) {
        int got = 0;
        error = libusb_bulk_transfer(handle, 0x01, data.data(),
                                     static_cast<int>(std::min(size, total - done)), &got, 30000);
        done += static_cast<std::size_t>(got);
        std::memset(data.data(), 0x5a, 4);
    }
    const double took = now() - start;
    std::printf("sent %zu in %.3f = %.1f MB/s %s\n", done, took,
                static_cast<double>(done) / took / 1e6, libusb_error_name(error));
    return error == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string verb = argc > 1 ? argv[1] : "list";
    if (const int error = libusb_init(nullptr); error != 0) {
        std::printf("libusb_init %s\n", libusb_error_name(error));
        return 1;
    }
    if (verb == "watch") {
        return watch(argc > 2 ? std::atof(argv[2]) : 1);
    }
    libusb_device** list = nullptr;
    const auto count = libusb_get_device_list(nullptr, &list);
    int found = 1;
    for (ssize_t i = 0; i < count; i++) {
        libusb_device_descriptor d{};
        libusb_get_device_descriptor(list[i], &d);
        const auto path = path_of(list[i]);
        if (d.idVendor != 0x0955) {
            continue;
        }
        if (verb == "list") {
            std::printf("%s %04x:%04x %d %s %s\n", path.c_str(), d.idVendor, d.idProduct,
                        libusb_get_device_address(list[i]), property(path, "serial", true).c_str(),
                        property(path, "ID_PATH", false).c_str());
            found = 0;
            continue;
        }
        if (argc < 3 || path != argv[2]) {
            continue;
        }
        libusb_device_handle* handle = nullptr;
        int error = libusb_open(list[i], &handle);
        if (error == 0) {
            error = libusb_claim_interface(handle, 0);
        }
        if (error != 0) {
            std::printf("%s\n", libusb_error_name(error));
            return 1;
        }
        if (verb == "claim") {
            std::printf("claimed\n");
            std::fflush(stdout);
            std::this_thread::sleep_for(
                std::chrono::duration<double>(argc > 3 ? std::atof(argv[3]) : 1));
            found = 0;
        } else if (verb == "send") {
            found = send(handle, argc > 3 ? argv[3] : "1", argc > 4 ? argv[4] : nullptr);
        } else if (verb == "time-out") {
            unsigned char data[64];
            int got = 0;
            error = libusb_bulk_transfer(handle, 0x81, data, 16, &got, 2000);  // the UID
            std::printf("first %s %d\n", libusb_error_name(error), got);
            error = libusb_bulk_transfer(handle, 0x81, data, 16, &got, 300);
            std::printf("second %s %d\n", libusb_error_name(error), got);
            found = 0;
        }
        libusb_close(handle);
    }
    libusb_free_device_list(list, 1);
    libusb_exit(nullptr);
    return found;
}
