// SPDX-License-Identifier: Apache-2.0
// What the line's USB devices look like in sysfs and in their descriptors: root hubs, the hubs
// behind them, modules in recovery mode, booted gadgets. Pure: makes values, touches nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbed.h"
#include "usb_node.h"

namespace line {

constexpr int kBoardsPerRoot = 8;
constexpr int kBoardsPerHub = 4;
constexpr int kHubPorts = 7;
constexpr int kRootPorts = 16;

// Where a board or a hub is plugged in.
struct Place {
    int bus = 1;
    std::string controller;        // 0000:00:14.0
    std::string chain;             // 1.3; empty for a root hub
    bool on_pci = true;            // else a platform device: vhci_hcd.0
    bool superspeed = false;       // the USB 3 half of its socket
    std::string bus_port() const;  // 1-1.3
    std::string port_key() const;  // pci-0000:00:14.0-usb-0:1.3
    std::string sys_path() const;  // /devices/…/1-1.3
};
Place root_place(int root);
Place hub_place(int hub);      // hubs count from 1 over the whole line
Place board_place(int board);  // so do boards
int hub_of_board(int board);
// The other half of the same socket: where it is at SuperSpeed. Another bus of the controller, and
// the two root ports with hubs trade their numbers, so that the one socket's path there is the
// other's here.
Place twin_place(const Place& place);

struct UsbDevice {
    std::vector<SysDevice> parts;  // the device, then its interfaces
    UsbNode::Descriptors descriptors;
    std::string node;  // bus/usb/001/003
};
SysDevice controller_device(const Place& place);
UsbDevice root_hub(const Place& place);
UsbDevice port_hub(const Place& place, int devnum);
// The ports of a hub at `place`, each with a link to its other half; `ports` is how many.
std::vector<SysDevice> hub_ports(const Place& place, int ports);
UsbDevice recovery_device(const Place& place, int devnum, unsigned product);
UsbDevice gadget_device(const Place& place, int devnum, const std::string& serial);
// The unit's network interface below the gadget's first interface.
SysDevice net_device(const Place& place, const std::string& name, unsigned index,
                     const std::string& address);

// A card reader (or any USB mass storage), what its SCSI layer shows, and the disk in it. `host`: a
// SCSI host's number, one for each reader.
UsbDevice card_reader(const Place& place, int devnum, unsigned vendor, unsigned product);
SysDevice scsi_device(const Place& place, int host, const std::string& model);
struct DiskLooks {
    std::string name;      // "loop17": its node is the host's own
    std::string number;    // "7:17"
    std::string sequence;  // diskseq
    std::uint64_t bytes = 0;
};
SysDevice disk_device(const Place& place, int host, const DiskLooks& looks);

}  // namespace line
