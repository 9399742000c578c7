// SPDX-License-Identifier: Apache-2.0
#include "station/usb/monitor.h"

#include "station/base/clock.h"
#include "station/base/log.h"
#include "station/base/text.h"
#include "station/usb/port_peer.h"

#include <libudev.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::usb {
namespace {

struct Unref {
    void operator()(udev* u) const { udev_unref(u); }
    void operator()(udev_monitor* m) const { udev_monitor_unref(m); }
    void operator()(udev_device* d) const { udev_device_unref(d); }
    void operator()(udev_enumerate* e) const { udev_enumerate_unref(e); }
};
template <typename T>
using Ref = std::unique_ptr<T, Unref>;

std::string_view text(const char* value) {
    return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view attribute(udev_device* device, const char* name) {
    return text(udev_device_get_sysattr_value(device, name));
}

std::uint16_t hex_attribute(udev_device* device, const char* name) {
    return static_cast<std::uint16_t>(
        std::strtoul(std::string(attribute(device, name)).c_str(), nullptr, 16));
}

std::optional<Device> read_device(udev_device* udev) {
    const std::string_view syspath = text(udev_device_get_syspath(udev));
    auto port = socket_of(std::string(syspath));
    if (!port || text(udev_device_get_devtype(udev)) != "usb_device") {
        return std::nullopt;
    }
    Device device;
    device.port = std::move(*port);
    device.syspath = syspath;
    device.vendor = hex_attribute(udev, "idVendor");
    device.product = hex_attribute(udev, "idProduct");
    if (const auto serial = attribute(udev, "serial"); !serial.empty()) {
        device.serial = serial;
    }
    device.bus = static_cast<int>(base::to_int(attribute(udev, "busnum")).value_or(0));
    device.number = static_cast<int>(base::to_int(attribute(udev, "devnum")).value_or(0));
    device.is_hub = attribute(udev, "bDeviceClass") == "09";
    device.seen_mono_ns = base::SystemClock().mono_ns();
    return device;
}

std::optional<NetInterface> read_net(udev_device* udev) {
    NetInterface net;
    net.syspath = text(udev_device_get_syspath(udev));
    const auto device = usb_device_above(net.syspath);
    if (!device) {
        return std::nullopt;
    }
    net.port = *socket_of(*device);
    net.name = text(udev_device_get_sysname(udev));
    if (udev_device* parent = udev_device_get_parent(udev); parent != nullptr) {
        net.driver = text(udev_device_get_driver(parent));
    }
    return net;
}

std::uint64_t number_attribute(udev_device* device, const char* name) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, base::to_int(attribute(device, name)).value_or(0)));
}

std::optional<Disk> read_disk(udev_device* udev) {
    Disk disk;
    disk.syspath = text(udev_device_get_syspath(udev));
    const auto above = usb_device_above(disk.syspath);
    if (!above || text(udev_device_get_devtype(udev)) != "disk") {
        return std::nullopt;
    }
    disk.port = *socket_of(*above);
    disk.name = text(udev_device_get_sysname(udev));
    if (udev_device* device =
            udev_device_get_parent_with_subsystem_devtype(udev, "usb", "usb_device");
        device != nullptr) {
        disk.vendor = hex_attribute(device, "idVendor");
        disk.product = hex_attribute(device, "idProduct");
    }
    constexpr std::uint64_t kSysfsSector = 512;  // whatever the disk's own sectors are
    disk.bytes = kSysfsSector * number_attribute(udev, "size");
    disk.sequence = number_attribute(udev, "diskseq");
    return disk;
}

}  // namespace

struct Monitor::Parts {
    explicit Parts(boost::asio::io_context& loop) : socket(loop) {}

    void added(udev_device* device) {
        const std::string_view subsystem = text(udev_device_get_subsystem(device));
        if (subsystem == "net") {
            if (auto net = read_net(device); net && nets.emplace(net->syspath, *net).second) {
                events.net_arrived(*net);
            }
            return;
        }
        if (subsystem == "block") {
            if (auto disk = read_disk(device)) {
                auto& known = disks[disk->syspath];
                if (!(known == *disk)) {
                    known = *disk;
                    events.disk_arrived(*disk);
                }
            }
            return;
        }
        auto found = read_device(device);
        if (!found) {
            return;
        }
        const auto known = devices.find(found->syspath);
        if (known != devices.end()) {
            if (known->second.number == found->number) {
                return;  // the scan and the monitor both saw it
            }
            left(found->syspath);  // its "remove" was lost: the new number says it went
        }
        devices.emplace(found->syspath, *found);
        events.device_arrived(*found);
    }

    void left(const std::string& syspath) {
        if (const auto net = nets.find(syspath); net != nets.end()) {
            const NetInterface gone = net->second;
            nets.erase(net);
            events.net_left(gone.name, gone.port);
            return;
        }
        if (const auto disk = disks.find(syspath); disk != disks.end()) {
            const Disk gone = disk->second;
            disks.erase(disk);
            events.disk_left(gone.name, gone.port);
            return;
        }
        if (const auto it = devices.find(syspath); it != devices.end()) {
            const Device gone = it->second;
            devices.erase(it);
            events.device_left(gone.port, gone.is_hub);
        }
    }

    // The kernel says it with a change of the hub's interface (drivers/usb/core/hub.c,
    // port_over_current_notify).
    bool over_current(udev_device* device) const {
        const auto port = text(udev_device_get_property_value(device, "OVER_CURRENT_PORT"));
        if (port.empty()) {
            return false;
        }
        if (const auto at = socket_of_port_folder("/sys" + std::string(port))) {
            events.over_current(*at);
        }
        return true;
    }

    // ENOBUFS: nobody read in time, and the kernel has dropped events. Many boards at once on a
    // busy host are enough, since the service may not make its buffer as large as it asks for.
    void take_all() {
        bool dropped = false;
        while (true) {
            errno = 0;
            const Ref<udev_device> device(udev_monitor_receive_device(monitor.get()));
            if (!device && errno == ENOBUFS) {
                dropped = true;
                continue;
            }
            if (!device) {
                break;
            }
            const std::string_view action = text(udev_device_get_action(device.get()));
            if (action == "change" && over_current(device.get())) {
                continue;
            }
            if (action == "add" || action == "bind" || action == "change") {
                added(device.get());
            } else if (action == "remove") {
                left(std::string(text(udev_device_get_syspath(device.get()))));
            }
        }
        if (dropped) {
            base::log_warning("events of the USB bus were lost: looking at all of it anew");
            look_anew();
        }
    }

    // What is not there any more leaves, what is new arrives; the rest hears nothing.
    void look_anew() {
        std::vector<std::string> gone;
        const auto find_gone = [&](const auto& known) {
            for (const auto& [syspath, what] : known) {
                if (::access(syspath.c_str(), F_OK) != 0) {
                    gone.push_back(syspath);
                }
            }
        };
        find_gone(nets);
        find_gone(disks);
        find_gone(devices);
        for (const std::string& syspath : gone) {
            left(syspath);
        }
        for (const char* subsystem : {"usb", "net", "block"}) {
            scan(subsystem);
        }
    }

    void wait() {
        socket.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](boost::system::error_code error) {
                              if (error) {
                                  return;  // closed: the service is stopping
                              }
                              take_all();
                              wait();
                          });
    }

    void scan(const char* subsystem) {
        const Ref<udev_enumerate> list(udev_enumerate_new(context.get()));
        udev_enumerate_add_match_subsystem(list.get(), subsystem);
        udev_enumerate_scan_devices(list.get());
        for (auto* entry = udev_enumerate_get_list_entry(list.get()); entry != nullptr;
             entry = udev_list_entry_get_next(entry)) {
            const Ref<udev_device> device(
                udev_device_new_from_syspath(context.get(), udev_list_entry_get_name(entry)));
            if (device) {
                added(device.get());
            }
        }
    }

    Ref<udev> context;
    Ref<udev_monitor> monitor;
    boost::asio::posix::stream_descriptor socket;
    MonitorEvents events;
    std::map<std::string, Device> devices;  // by syspath
    std::map<std::string, NetInterface> nets;
    std::map<std::string, Disk> disks;
};

Monitor::Monitor(boost::asio::io_context& loop) : parts_(std::make_unique<Parts>(loop)) {}

Monitor::~Monitor() {
    if (parts_->socket.is_open()) {
        [[maybe_unused]] const int owned_by_udev = parts_->socket.release();
    }
}

base::Status Monitor::start(MonitorEvents events) {
    Parts& parts = *parts_;
    parts.events = std::move(events);
    parts.context.reset(udev_new());
    if (!parts.context) {
        return base::fail("host.unfit", "libudev cannot be started");
    }
    parts.monitor.reset(udev_monitor_new_from_netlink(parts.context.get(), "udev"));
    if (!parts.monitor ||
        udev_monitor_filter_add_match_subsystem_devtype(parts.monitor.get(), "usb", "usb_device") <
            0 ||
        udev_monitor_filter_add_match_subsystem_devtype(parts.monitor.get(), "usb",
                                                        "usb_interface") < 0 ||
        udev_monitor_filter_add_match_subsystem_devtype(parts.monitor.get(), "net", nullptr) < 0 ||
        udev_monitor_filter_add_match_subsystem_devtype(parts.monitor.get(), "block", "disk") < 0 ||
        udev_monitor_enable_receiving(parts.monitor.get()) < 0) {
        return base::fail("host.unfit", "udev's event socket cannot be opened");
    }
    udev_monitor_set_receive_buffer_size(parts.monitor.get(), 8 * 1024 * 1024);
    parts.socket.assign(udev_monitor_get_fd(parts.monitor.get()));
    parts.look_anew();
    parts.wait();
    return {};
}

void Monitor::drain() {
    if (parts_->monitor) {
        parts_->take_all();
    }
}

base::Result<Descriptors> Monitor::descriptors(const Device& device) {
    return descriptors_.read(device.bus, device.number);
}

}  // namespace lineside::usb
