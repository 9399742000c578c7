// SPDX-License-Identifier: Apache-2.0
// Sees USB devices, their network interfaces and their disks come and go, by libudev: first the
// monitor, then one coldplug scan, so that nothing falls between. No polling, no thread. The engine
// knows the Bus alone; its tests have one that says what they like. Thread: the io_context's;
// callbacks come from its run().
#pragma once

#include "station/base/error.h"
#include "station/usb/descriptors.h"
#include "station/usb/port_path.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lineside::usb {

struct Device {
    PortPath port;
    std::string syspath;
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    std::optional<std::string> serial;  // iSerial; a unit in recovery mode has none
    int bus = 0;
    int number = 0;  // changes with every enumeration
    bool is_hub = false;
    std::int64_t seen_mono_ns = 0;  // when the event reached us
};

struct NetInterface {
    std::string name;
    std::string driver;  // "rndis_host", "cdc_ncm"; "" if unknown
    std::string syspath;
    PortPath port;  // of the USB device it belongs to
};

// A whole disk behind a USB device: mass storage, or one of a card reader's slots.
struct Disk {
    std::string name;  // the kernel's, "sdb"
    std::string syspath;
    PortPath port;  // of the USB device it belongs to
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    std::uint64_t bytes = 0;     // 0: no medium in it
    std::uint64_t sequence = 0;  // the kernel's diskseq, which another medium changes; 0: not told
    // Is it the same disk with the same medium?
    friend bool operator==(const Disk& a, const Disk& b) {
        return a.name == b.name && a.bytes == b.bytes && a.sequence == b.sequence;
    }
};

struct MonitorEvents {
    std::function<void(const Device&)> device_arrived;
    std::function<void(const PortPath&, bool is_hub)> device_left;
    std::function<void(const NetInterface&)> net_arrived;
    std::function<void(const std::string& name, const PortPath&)> net_left;
    std::function<void(const Disk&)> disk_arrived;  // or its medium is another one, or gone
    std::function<void(const std::string& name, const PortPath&)> disk_left;
    // A hub switched this port off, because what is plugged in draws too much.
    std::function<void(const PortPath&)> over_current;
};

class Bus {
  public:
    virtual ~Bus() = default;
    // What is plugged in already comes before this returns.   Errors: host.unfit.
    [[nodiscard]] virtual base::Status start(MonitorEvents events) = 0;
    // Takes in what waits now: asked before a worker's end is judged, so that a unit that was
    // pulled is known to be gone.
    virtual void drain() = 0;
    [[nodiscard]] virtual base::Result<Descriptors> descriptors(const Device& device) = 0;
};

class Monitor final : public Bus {
  public:
    explicit Monitor(boost::asio::io_context& loop);
    ~Monitor() override;
    [[nodiscard]] base::Status start(MonitorEvents events) override;  // once
    void drain() override;
    [[nodiscard]] base::Result<Descriptors> descriptors(const Device& device) override;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
    DescriptorReader descriptors_;
};

}  // namespace lineside::usb
