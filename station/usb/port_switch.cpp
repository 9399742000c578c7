// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_switch.h"

#include "station/base/unique_fd.h"
#include "station/usb/port_peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace lineside::usb {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLookAgain{20};
// Of wHubCharacteristics: how the hub switches the power of its ports.
constexpr unsigned kSwitching = 3;
constexpr unsigned kAllAtOnce = 0;
constexpr unsigned kEachAlone = 1;

int number_in(const fs::path& file) {
    int number = 0;
    std::ifstream(file) >> number;
    return number;
}

// "1" off, "0" on; anything else is no answer.
std::string read_state(const fs::path& port) {
    std::string text;
    std::ifstream(port / "disable") >> text;
    return text;
}

base::Status no_switch(const fs::path& port) {
    return base::fail("power.failed", fmt::format("{} has no switch: Linux 6.0 or later is needed",
                                                  port.filename().string()));
}

base::Status write_state(const fs::path& port, bool on) {
    const fs::path file = port / "disable";
    const base::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const char word = on ? '0' : '1';
    if (!fd || ::write(fd.get(), &word, 1) != 1) {
        return base::fail_errno("power.failed", file.string(), errno);
    }
    return {};
}

// A hub may need a moment after it was told; nothing announces that it has switched.
bool settles(const fs::path& port, bool on, std::chrono::milliseconds within) {
    const auto until = std::chrono::steady_clock::now() + within;
    const auto so = [&] {
        std::error_code error;
        const bool gone = on || !fs::exists(port / "device", error);
        return gone && read_state(port) == (on ? "0" : "1");
    };
    while (!so()) {
        if (std::chrono::steady_clock::now() >= until) {
            return false;
        }
        std::this_thread::sleep_for(kLookAgain);
    }
    return true;
}

using Halves = std::vector<fs::path>;

std::optional<Halves> halves_at(const fs::path& hub, std::string_view key) {
    std::error_code error;
    const std::string name = hub.filename();
    const std::string interface =
        name.starts_with("usb") ? name.substr(3) + "-0:1.0" : name + ":1.0";
    for (const auto& port : fs::directory_iterator(fs::canonical(hub, error) / interface, error)) {
        if (port.path().filename().native().starts_with(name + "-port") &&
            key_of_port_folder(port.path().native()) == key) {
            Halves halves{port.path()};
            if (const auto peer = fs::canonical(port.path() / "peer", error); !error) {
                halves.push_back(peer);
            }
            return halves;
        }
    }
    return std::nullopt;
}

base::Result<Halves> halves_of(std::string_view key, const fs::path& sysfs) {
    std::error_code error;
    for (const auto& hub : fs::directory_iterator(sysfs / "bus/usb/devices", error)) {
        const bool interface = hub.path().filename().native().find(':') != std::string::npos;
        if (!interface && number_in(hub.path() / "speed") < kSuperSpeed) {
            if (auto found = halves_at(hub.path(), key)) {
                return std::move(*found);
            }
        }
    }
    return base::fail("power.failed", fmt::format("There is no port {} now", key));
}

// A hub that cannot would drop the unit all the same, and not notice that it is still there.
base::Status able(const fs::path& port, const AskHub& ask) {
    if (read_state(port).empty()) {
        return no_switch(port);
    }
    const fs::path hub = port.parent_path().parent_path();  // …/1-1/1-1:1.0/1-1-port3
    const auto said = ask(number_in(hub / "busnum"), number_in(hub / "devnum"),
                          number_in(hub / "speed") >= kSuperSpeed);
    const std::string name = hub.filename();
    if (!said) {
        return base::fail("power.failed", fmt::format("Hub {} does not answer", name));
    }
    if ((*said & kSwitching) != kEachAlone) {
        return base::fail("power.failed",
                          fmt::format("Hub {} cannot switch one port {}", name,
                                      (*said & kSwitching) == kAllAtOnce ? "alone" : "at all"));
    }
    return {};
}

base::Result<Halves> able_halves(std::string_view key, const Ports& ports) {
    auto halves = halves_of(key, ports.sysfs);
    for (std::size_t at = 0; halves && at < halves->size(); ++at) {
        if (auto good = able((*halves)[at], ports.ask); !good) {
            return tl::unexpected<base::Error>(good.error());
        }
    }
    return halves;
}

}  // namespace

std::optional<unsigned> ask_hub(int bus, int device, bool super_speed) {
    const std::string file = fmt::format("/dev/bus/usb/{:03}/{:03}", bus, device);
    const base::UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    std::array<unsigned char, 64> descriptor{};
    usbdevfs_ctrltransfer transfer{};
    transfer.bRequestType = 0xa0;  // to the host, of the class, of the device
    transfer.bRequest = 6;         // GET_DESCRIPTOR
    transfer.wValue = super_speed ? 0x2a00 : 0x2900;
    transfer.wLength = static_cast<std::uint16_t>(super_speed ? 12 : descriptor.size());
    transfer.timeout = 1000;
    transfer.data = descriptor.data();
    if (!fd || ::ioctl(fd.get(), USBDEVFS_CONTROL, &transfer) < 5) {
        return std::nullopt;
    }
    return descriptor[3] | static_cast<unsigned>(descriptor[4]) << 8U;
}

base::Status can_switch(std::string_view key, const Ports& ports) {
    const auto halves = able_halves(key, ports);
    return halves ? base::Status() : tl::unexpected<base::Error>(halves.error());
}

base::Status switch_port(std::string_view key, bool on, const Ports& ports) {
    const auto halves = able_halves(key, ports);
    if (!halves) {
        return tl::unexpected<base::Error>(halves.error());
    }
    base::Status done;
    for (const fs::path& port : *halves) {
        if (auto written = write_state(port, on); !written && done) {
            done = written;
        }
    }
    for (const fs::path& port : *halves) {
        if (done && !settles(port, on, ports.settle)) {
            done = base::fail("power.failed",
                              fmt::format("Port {} did not switch {}: its hub cannot, or something "
                                          "else switches it",
                                          port.filename().string(), on ? "on" : "off"));
        }
    }
    if (!done && !on) {
        for (const fs::path& port : *halves) {
            (void)write_state(port, true);
        }
    }
    return done;
}

}  // namespace lineside::usb
