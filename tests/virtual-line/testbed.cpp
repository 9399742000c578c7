// SPDX-License-Identifier: Apache-2.0
#include "testbed.h"

#include <sys/stat.h>
#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace line {
namespace fs = std::filesystem;
namespace {

void write_file(const fs::path& path, const std::string& text, mode_t mode = 0444) {
    std::error_code ignored;
    fs::remove(path, ignored);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
        throw std::runtime_error("cannot write " + path.string());
    }
    ::chmod(path.c_str(), mode);
}

void make_folder(const fs::path& path) {
    fs::create_directories(path);
}

void link_to(const fs::path& target, const fs::path& name) {
    make_folder(name.parent_path());
    std::error_code ignored;
    fs::remove(name, ignored);
    fs::create_symlink(target, name);
}

std::string ups(const fs::path& below_sys) {
    std::string text;
    for (auto it = below_sys.begin(); it != below_sys.end(); ++it) {
        if (*it != "/") {
            text += "../";
        }
    }
    return text;
}

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string devnum_text(const SysDevice& device) {
    return "189:" + std::to_string(device.minor);
}

fs::path class_link(const fs::path& sys, const SysDevice& device) {
    return device.is_bus ? sys / "bus" / device.subsystem / "devices" / name_of(device.path)
                         : sys / "class" / device.subsystem / name_of(device.path);
}

std::string flat(std::string node) {
    std::replace(node.begin(), node.end(), '/', '_');
    return node;
}

Properties all_properties(const SysDevice& device, const char* dev_prefix) {
    Properties all;
    if (!device.node.empty()) {
        all.emplace_back("MAJOR", "189");
        all.emplace_back("MINOR", std::to_string(device.minor));
        all.emplace_back("DEVNAME", dev_prefix + device.node);
    }
    if (!device.block.empty()) {
        const auto colon = device.block.find(':');
        all.emplace_back("MAJOR", device.block.substr(0, colon));
        all.emplace_back("MINOR", device.block.substr(colon + 1));
        all.emplace_back("DEVNAME", dev_prefix + name_of(device.path));
    }
    if (!device.devtype.empty()) {
        all.emplace_back("DEVTYPE", device.devtype);
    }
    if (!device.driver.empty() && device.is_bus) {
        all.emplace_back("DRIVER", device.driver);
    }
    all.insert(all.end(), device.properties.begin(), device.properties.end());
    return all;
}

}  // namespace

Testbed::Testbed(Loop& loop, fs::path root) : root_(std::move(root)), uevents_(loop, root_) {
    const auto sys = root_ / "sys";
    make_folder(sys / "devices");
    make_folder(sys / "bus/usb/devices");
    make_folder(sys / "bus/usb/drivers");
    make_folder(sys / "class/net");
    make_folder(sys / "class/block");
    make_folder(sys / "dev/char");
    make_folder(sys / "dev/block");
    make_folder(root_ / "dev/.node");
    make_folder(root_ / "dev/bus/usb");
    make_folder(root_ / "ioctl");
    // Monitors of any uid put their sockets here.
    ::chmod(root_.c_str(), 0777);
    for (const char* part : {"fs", "kernel", "module", "power", "firmware", "devices/system"}) {
        const fs::path real = fs::path("/sys") / part;
        std::error_code ignored;
        if (fs::is_directory(real, ignored)) {
            link_to(real, sys / part);
        }
    }
}

Testbed::~Testbed() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
}

fs::path Testbed::ioctl_socket(const std::string& node) const {
    return root_ / "ioctl/dev" / node;
}

Clock::time_point Testbed::add(const SysDevice& device) {
    const auto sys = root_ / "sys";
    const auto folder = fs::path(sys.string() + device.path);
    make_folder(folder);
    const auto up = ups(fs::path(device.path));
    for (const auto& [name, target] : device.links) {
        link_to(up + target.substr(1), folder / name);
    }
    if (device.subsystem.empty()) {
        for (const auto& [name, text] : device.attributes) {
            write_file(folder / name, text + "\n");
        }
        return Clock::now();
    }
    link_to(up + (device.is_bus ? "bus/" : "class/") + device.subsystem, folder / "subsystem");
    if (!device.driver.empty() && device.is_bus) {
        make_folder(sys / "bus" / device.subsystem / "drivers" / device.driver);
        link_to(up + "bus/" + device.subsystem + "/drivers/" + device.driver, folder / "driver");
    }
    if (!device.device_link.empty()) {
        link_to(device.device_link, folder / "device");
    }
    for (const auto& [name, text] : device.attributes) {
        write_file(folder / name, text + "\n");
    }
    if (!device.descriptors.empty()) {
        write_file(folder / "descriptors", device.descriptors);
    }
    std::string uevent;
    for (const auto& [name, value] : all_properties(device, "")) {
        uevent += name + "=" + value + "\n";
    }
    if (!device.node.empty()) {
        write_file(folder / "dev", devnum_text(device) + "\n");
        const auto node = root_ / "dev" / device.node;
        make_folder(node.parent_path());
        link_to(devnum_text(device), root_ / "dev/.node" / flat(device.node));
        write_file(node, device.descriptors, 0666);  // as the station's udev rule has it
        link_to("../.." + device.path, sys / "dev/char" / devnum_text(device));
    }
    if (!device.block.empty()) {
        write_file(folder / "dev", device.block + "\n");
        link_to("../.." + device.path, sys / "dev/block" / device.block);
    }
    write_file(folder / "uevent", uevent);
    // Last, so that whoever enumerates finds a complete device.
    link_to(device.is_bus ? "../../.." + device.path : "../.." + device.path,
            class_link(sys, device));
    const auto now = Clock::now();
    announce(device, "add");
    return now;
}

void Testbed::announce(const SysDevice& device, const std::string& action, const Properties& more) {
    Properties properties = all_properties(device, "/dev/");
    properties.insert(properties.end(), more.begin(), more.end());
    uevents_.send(action, device.path, device.subsystem, device.devtype, properties);
}

void Testbed::remove(const SysDevice& device) {
    const auto sys = root_ / "sys";
    std::error_code ignored;
    fs::remove(class_link(sys, device), ignored);
    if (!device.node.empty()) {
        fs::remove(root_ / "dev" / device.node, ignored);
        fs::remove(root_ / "dev/.node" / flat(device.node), ignored);
        fs::remove(sys / "dev/char" / devnum_text(device), ignored);
    }
    if (!device.block.empty()) {
        fs::remove(sys / "dev/block" / device.block, ignored);
    }
    fs::remove_all(fs::path(sys.string() + device.path), ignored);
    announce(device, "remove");
}

void Testbed::set_attribute(const SysDevice& device, const std::string& name,
                            const std::string& text) {
    write_file(fs::path((root_ / "sys").string() + device.path) / name, text + "\n");
}

}  // namespace line
