// SPDX-License-Identifier: Apache-2.0
// The /sys and /dev that other processes see through umockdev's preload library: a folder with
// sysfs-like directories, attribute files and links, device nodes as plain files, and one socket
// per device node for its ioctls (usbfs.h). Everything in it may be read, and sockets connected, by
// every uid.  Thread: main.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "uevents.h"

namespace line {

// One device of the tree. `path` is below /sys, e.g. /devices/pci0000:00/0000:00:14.0/usb1.
struct SysDevice {
    std::string path;
    std::string subsystem;  // empty: a port of a hub, which no event tells of
    std::string devtype;
    bool is_bus = true;       // its subsystem is a bus (usb, pci), else a class (net)
    std::string driver;       // empty: none bound
    Properties properties;    // what udev would tell, goes into `uevent` and events
    Properties attributes;    // file name -> text; a newline is added
    std::string descriptors;  // bytes of `descriptors` and of the node, if any
    std::string node;         // below /dev, e.g. bus/usb/001/003; empty: none
    unsigned minor = 0;       // of the node; the major is 189
    std::string block;        // "7:17": a disk with this number; its node is the host's own
    std::string device_link;  // target of `device`, relative, for class devices
    Properties links;         // name -> path below /sys, of what may not be there yet
};

class Testbed {
  public:
    // Makes the empty testbed in `root`, which must not exist. Real parts of /sys that are no
    // devices stay reachable.
    Testbed(Loop& loop, std::filesystem::path root);
    ~Testbed();
    Testbed(const Testbed&) = delete;
    Testbed& operator=(const Testbed&) = delete;

    // Adds the device and tells the monitors; returns the moment at which it was about to tell
    // them.
    Clock::time_point add(const SysDevice& device);
    void announce(const SysDevice& device, const std::string& action, const Properties& more = {});
    // Takes the device away (its children first, by the caller) and tells the monitors.
    void remove(const SysDevice& device);
    void set_attribute(const SysDevice& device, const std::string& name, const std::string& text);

    const std::filesystem::path& root() const { return root_; }
    // Where the socket of a device node must listen.
    std::filesystem::path ioctl_socket(const std::string& node) const;

  private:
    std::filesystem::path root_;
    Uevents uevents_;
};

}  // namespace line
