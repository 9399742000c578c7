// SPDX-License-Identifier: Apache-2.0
// A composite USB gadget of this kernel (configfs) on a device controller of usbip-vudc: what a
// booted Jetson, or its flashing initrd, is on the bus. Errors: std::runtime_error.  Thread: main.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace line {

struct GadgetShape {
    unsigned vendor = 0x0955, product = 0x7020;
    std::string maker = "NVIDIA", name = "Linux for Tegra";
    std::string serial;
    std::vector<std::string> functions;  // rndis, ncm, acm, mass_storage; in this order
    std::filesystem::path disk;          // of mass_storage
    bool writable = false;               // the disk
    std::string
        inquiry;  // what the disk calls itself: maker (8 letters), model (16); empty: the kernel's
    // MAC addresses: host's end and unit's end of each network function; empty: the kernel makes
    // some.
    std::vector<std::string> addresses;
};

class Gadget {
  public:
    // Bound to usbip-vudc.<controller> when this returns.
    Gadget(std::string name, int controller, const GadgetShape& shape);
    ~Gadget();
    Gadget(const Gadget&) = delete;
    Gadget& operator=(const Gadget&) = delete;

    // The medium leaves its disk, whoever has it locked.
    void eject();
    // Another medium, once there is none.
    void insert(const std::filesystem::path& disk);
    // The unit's ends of its networks, as they are called now.
    [[nodiscard]] std::vector<std::string> interfaces() const;

  private:
    void take_apart();
    const std::filesystem::path folder_;
    std::vector<std::string> functions_;
};

}  // namespace line
