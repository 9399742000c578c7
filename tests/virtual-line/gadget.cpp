// SPDX-License-Identifier: Apache-2.0
#include "gadget.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "sysfs.h"

namespace line {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRoot = "/sys/kernel/config/usb_gadget";

std::string hex(unsigned number) {
    char text[8];
    std::snprintf(text, sizeof text, "0x%04x", number);
    return text;
}

bool has_network(const std::string& function) {
    return function.starts_with("rndis") || function.starts_with("ncm");
}

}  // namespace

Gadget::Gadget(std::string name, int controller, const GadgetShape& shape)
    : folder_(fs::path(kRoot) / name) {
    take_apart();  // what a line that was killed left
    try {
        fs::create_directory(folder_);
        write_file(folder_ / "idVendor", hex(shape.vendor));
        write_file(folder_ / "idProduct", hex(shape.product));
        write_file(folder_ / "bcdUSB", "0x0200");
        if (shape.functions.size() > 1) {  // composite
            write_file(folder_ / "bDeviceClass", "0xef");
            write_file(folder_ / "bDeviceSubClass", "2");
            write_file(folder_ / "bDeviceProtocol", "1");
        }
        const auto strings = folder_ / "strings/0x409";
        fs::create_directory(strings);
        write_file(strings / "manufacturer", shape.maker);
        write_file(strings / "product", shape.name);
        write_file(strings / "serialnumber", shape.serial);
        const auto configuration = folder_ / "configs/c.1";
        fs::create_directory(configuration);
        std::size_t address = 0;
        for (const auto& kind : shape.functions) {
            const auto function = kind + ".lineside";
            const auto place = folder_ / "functions" / function;
            std::error_code full;
            fs::create_directory(place, full);
            if (full == std::errc::device_or_resource_busy && kind == "acm") {
                continue;  // the kernel has eight of these for all gadgets together
            }
            if (full) {
                throw fs::filesystem_error("no " + function, place, full);
            }
            functions_.push_back(function);
            if (has_network(kind) && address + 1 < shape.addresses.size()) {
                write_file(place / "host_addr", shape.addresses[address++]);
                write_file(place / "dev_addr", shape.addresses[address++]);
            } else if (kind == "mass_storage") {
                write_file(place / "lun.0/removable", "1");
                write_file(place / "lun.0/ro", shape.writable ? "0" : "1");
                if (!shape.inquiry.empty()) {
                    write_file(place / "lun.0/inquiry_string", shape.inquiry);
                }
                write_file(place / "lun.0/file", shape.disk.string());
            }
            fs::create_directory_symlink(place, configuration / function);
        }
        write_file(folder_ / "UDC", "usbip-vudc." + std::to_string(controller));
    } catch (const std::exception&) {
        take_apart();
        throw;
    }
}

Gadget::~Gadget() {
    take_apart();
}

void Gadget::eject() {
    write_file(folder_ / "functions/mass_storage.lineside/lun.0/forced_eject", "1");
}

void Gadget::insert(const fs::path& disk) {
    write_file(folder_ / "functions/mass_storage.lineside/lun.0/file", disk.string());
}

std::vector<std::string> Gadget::interfaces() const {
    std::vector<std::string> names;
    for (const auto& function : functions_) {
        if (has_network(function)) {
            names.push_back(read_file(folder_ / "functions" / function / "ifname"));
        }
    }
    return names;
}

// In the order that configfs asks for; what is not there was never made.
void Gadget::take_apart() {
    std::error_code ignored;
    if (!fs::exists(folder_, ignored)) {
        return;
    }
    try {
        write_file(folder_ / "UDC", "\n");
    } catch (const std::runtime_error&) {
        // it was bound to nothing
    }
    for (const auto& entry : fs::directory_iterator(folder_ / "configs/c.1", ignored)) {
        if (entry.is_symlink()) {
            fs::remove(entry.path(), ignored);
        }
    }
    fs::remove(folder_ / "configs/c.1", ignored);
    for (const auto& entry : fs::directory_iterator(folder_ / "functions", ignored)) {
        fs::remove(entry.path(), ignored);
    }
    fs::remove(folder_ / "strings/0x409", ignored);
    fs::remove(folder_, ignored);
}

}  // namespace line
