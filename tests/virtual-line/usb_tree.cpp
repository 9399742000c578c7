// SPDX-License-Identifier: Apache-2.0
#include "usb_tree.h"

#include <algorithm>

namespace line {
namespace {

std::string digits(unsigned value, unsigned base, std::size_t least) {
    std::string text;
    for (; value != 0 || text.size() < least; value /= base) {
        text.insert(text.begin(), "0123456789abcdef"[value % base]);
    }
    return text;
}
std::string hex4(unsigned value) {
    return digits(value, 16, 4);
}
std::string hex2(unsigned value) {
    return digits(value, 16, 2);
}
std::string hex(unsigned value) {
    return digits(value, 16, 1);
}
std::string dec3(int value) {
    return digits(static_cast<unsigned>(value), 10, 3);
}

struct Interface {
    std::uint8_t major, minor, protocol;
    std::vector<std::uint8_t> endpoints;  // addresses
    std::uint8_t kind;                    // 2 bulk, 3 interrupt
    const char* driver;
};

struct Shape {
    unsigned vendor = 0, product = 0, release = 0;
    std::uint8_t device_class = 0;
    std::string manufacturer, name, serial, driver = "usb";
    std::vector<Interface> interfaces;
    int ports = 0;
};

std::uint8_t low(unsigned value) {
    return static_cast<std::uint8_t>(value & 0xff);
}
std::uint8_t high(unsigned value) {
    return static_cast<std::uint8_t>(value >> 8);
}

UsbNode::Descriptors describe(const Shape& shape) {
    UsbNode::Descriptors all;
    all.strings = {shape.manufacturer, shape.name};
    std::uint8_t serial = 0;
    if (!shape.serial.empty()) {
        all.strings.push_back(shape.serial);
        serial = 3;
    }
    all.device = {18,
                  1,
                  0x00,
                  0x02,
                  shape.device_class,
                  0,
                  0,
                  64,
                  low(shape.vendor),
                  high(shape.vendor),
                  low(shape.product),
                  high(shape.product),
                  low(shape.release),
                  high(shape.release),
                  1,
                  2,
                  serial,
                  1};
    Bytes body;
    std::uint8_t number = 0;
    for (const auto& one : shape.interfaces) {
        body.insert(body.end(), {9, 4, number++, 0, static_cast<std::uint8_t>(one.endpoints.size()),
                                 one.major, one.minor, one.protocol, 0});
        for (const auto address : one.endpoints) {
            const bool is_bulk = one.kind == 2;
            body.insert(body.end(),
                        {7, 5, address, one.kind, low(is_bulk ? 512U : 8U),
                         high(is_bulk ? 512U : 8U), static_cast<std::uint8_t>(is_bulk ? 0 : 9)});
        }
    }
    const auto total = static_cast<unsigned>(9 + body.size());
    all.configuration = {9, 2, low(total), high(total), number, 1, 0, 0x80, 16};
    all.configuration.insert(all.configuration.end(), body.begin(), body.end());
    return all;
}

// Of the port that the device at `place` is plugged into.
std::string port_path(const Place& place) {
    const auto device = place.sys_path();
    const auto above = device.substr(0, device.rfind('/'));
    const auto hub = above.substr(above.rfind('/') + 1);
    const auto interface = hub.starts_with("usb") ? hub.substr(3) + "-0:1.0" : hub + ":1.0";
    return above + "/" + interface + "/" + hub + "-port" +
           place.chain.substr(place.chain.rfind('.') + 1);
}

UsbDevice build(const Place& place, int devnum, const Shape& shape) {
    UsbDevice all;
    all.descriptors = describe(shape);
    all.node = "bus/usb/" + dec3(place.bus) + "/" + dec3(devnum);
    const auto raw_device = all.descriptors.device;
    SysDevice device;
    device.path = place.sys_path();
    device.subsystem = "usb";
    device.devtype = "usb_device";
    device.driver = shape.driver;
    device.node = all.node;
    device.minor = static_cast<unsigned>((place.bus - 1) * 128 + devnum - 1);
    device.descriptors.assign(raw_device.begin(), raw_device.end());
    device.descriptors.append(all.descriptors.configuration.begin(),
                              all.descriptors.configuration.end());
    const auto key = place.chain.empty() ? "pci-" + place.controller : place.port_key();
    device.properties = {
        {"PRODUCT", hex(shape.vendor) + "/" + hex(shape.product) + "/" + hex(shape.release)},
        {"TYPE", std::to_string(shape.device_class) + "/0/0"},
        {"BUSNUM", dec3(place.bus)},
        {"DEVNUM", dec3(devnum)},
        {"ID_BUS", "usb"},
        {"ID_VENDOR_ID", hex4(shape.vendor)},
        {"ID_MODEL_ID", hex4(shape.product)},
        {"ID_REVISION", hex4(shape.release)},
        {"ID_PATH", key},
    };
    if (!place.chain.empty()) {
        device.links = {{"port", port_path(place)}};
    }
    device.attributes = {
        {"idVendor", hex4(shape.vendor)},
        {"idProduct", hex4(shape.product)},
        {"bcdDevice", hex4(shape.release)},
        {"busnum", std::to_string(place.bus)},
        {"devnum", std::to_string(devnum)},
        {"devpath", place.chain.empty() ? "0" : place.chain},
        {"speed", place.superspeed ? "5000" : "480"},
        {"version", place.superspeed ? " 3.00" : " 2.00"},
        {"manufacturer", shape.manufacturer},
        {"product", shape.name},
        {"bDeviceClass", hex2(shape.device_class)},
        {"bDeviceSubClass", "00"},
        {"bDeviceProtocol", "00"},
        {"bConfigurationValue", "1"},
        {"bNumConfigurations", "1"},
        {"bNumInterfaces", " " + std::to_string(shape.interfaces.size())},
        {"bMaxPower", "32mA"},
        {"maxchild", std::to_string(shape.ports)},
        {"removable", "removable"},
        {"authorized", "1"},
        {"urbnum", "0"},
    };
    if (!shape.serial.empty()) {
        device.attributes.emplace_back("serial", shape.serial);
        device.properties.emplace_back("ID_SERIAL_SHORT", shape.serial);
    }
    all.parts.push_back(device);
    int number = 0;
    for (const auto& one : shape.interfaces) {
        SysDevice part;
        const auto suffix = ":1." + std::to_string(number);
        part.path = device.path + "/" +
                    (place.chain.empty() ? std::to_string(place.bus) + "-0" : place.bus_port()) +
                    suffix;
        part.subsystem = "usb";
        part.devtype = "usb_interface";
        part.driver = one.driver == nullptr ? "" : one.driver;
        part.properties = {
            {"PRODUCT", device.properties[0].second},
            {"INTERFACE", std::to_string(one.major) + "/" + std::to_string(one.minor) + "/" +
                              std::to_string(one.protocol)},
            {"ID_PATH", key + suffix},
        };
        part.attributes = {
            {"bInterfaceNumber", hex2(static_cast<unsigned>(number))},
            {"bAlternateSetting", " 0"},
            {"bNumEndpoints", hex2(static_cast<unsigned>(one.endpoints.size()))},
            {"bInterfaceClass", hex2(one.major)},
            {"bInterfaceSubClass", hex2(one.minor)},
            {"bInterfaceProtocol", hex2(one.protocol)},
        };
        all.parts.push_back(part);
        number++;
    }
    return all;
}

const Interface kHubInterface{9, 0, 0, {0x81}, 3, "hub"};

}  // namespace

std::string Place::bus_port() const {
    return chain.empty() ? "usb" + std::to_string(bus) : std::to_string(bus) + "-" + chain;
}

std::string Place::port_key() const {
    return (on_pci ? "pci-" : "platform-") + controller + "-usb-0:" + chain;
}

std::string Place::sys_path() const {
    std::string path = "/devices/pci0000:00/" + controller + "/usb" + std::to_string(bus);
    for (std::size_t at = 0; at < chain.size();) {
        const auto dot = std::min(chain.find('.', at), chain.size());
        path += "/" + std::to_string(bus) + "-" + chain.substr(0, dot);
        at = dot + 1;
    }
    return path;
}

Place root_place(int root) {
    return {root + 1, "0000:00:" + hex2(static_cast<unsigned>(0x14 + root)) + ".0", ""};
}

Place hub_place(int hub) {
    constexpr int kHubsPerRoot = kBoardsPerRoot / kBoardsPerHub;
    auto place = root_place((hub - 1) / kHubsPerRoot);
    place.chain = std::to_string((hub - 1) % kHubsPerRoot + 1);
    return place;
}

int hub_of_board(int board) {
    return (board - 1) / kBoardsPerHub + 1;
}

Place board_place(int board) {
    auto place = hub_place(hub_of_board(board));
    place.chain += "." + std::to_string((board - 1) % kBoardsPerHub + 1);
    return place;
}

Place twin_place(const Place& place) {
    constexpr int kMostRoots = 8;  // of a line; their buses come first
    Place twin = place;
    twin.superspeed = !place.superspeed;
    twin.bus += place.superspeed ? -kMostRoots : kMostRoots;
    const auto root = place.chain.substr(0, place.chain.find('.'));
    if (root == "1" || root == "2") {
        twin.chain[0] = root == "1" ? '2' : '1';
    }
    return twin;
}

std::vector<SysDevice> hub_ports(const Place& place, int ports) {
    std::vector<SysDevice> all;
    for (int number = 1; number <= ports; number++) {
        auto behind = place;
        behind.chain += (place.chain.empty() ? "" : ".") + std::to_string(number);
        SysDevice port;
        port.path = port_path(behind);
        port.attributes = {{"connect_type", "hotplug"}, {"location", "0x00000000"}};
        port.links = {{"peer", port_path(twin_place(behind))}};
        all.push_back(port);
    }
    return all;
}

SysDevice controller_device(const Place& place) {
    SysDevice device;
    device.path = "/devices/pci0000:00/" + place.controller;
    device.subsystem = "pci";
    device.driver = "xhci_hcd";
    device.properties = {{"PCI_SLOT_NAME", place.controller},
                         {"ID_PATH", "pci-" + place.controller}};
    device.attributes = {{"class", "0x0c0330"}, {"vendor", "0x8086"}, {"device", "0xa36d"}};
    return device;
}

UsbDevice root_hub(const Place& place) {
    const unsigned product = place.superspeed ? 0x0003 : 0x0002;
    Shape shape{0x1d6b,           product,
                0x0601,           9,
                "Linux xhci-hcd", "xHCI Host Controller",
                place.controller, "usb",
                {kHubInterface},  kRootPorts};
    return build(place, 1, shape);
}

UsbDevice port_hub(const Place& place, int devnum) {
    // A USB 3 hub is two hubs, one for each half of its sockets.
    const unsigned product = place.superspeed ? 0x5807 : 0x2807;
    Shape shape{0x0424, product, 0x0002,          9,        "Microchip", "USB5807 Hub",
                "",     "usb",   {kHubInterface}, kHubPorts};
    return build(place, devnum, shape);
}

UsbDevice recovery_device(const Place& place, int devnum, unsigned product) {
    // No serial number in recovery mode.  Source: fact sheet section 1, descriptors of a real NX.
    Shape shape{0x0955, product,        0x0102,
                0,      "NVIDIA Corp.", "APX",
                "",     "usb",          {{0xff, 0xff, 0xff, {0x81, 0x01}, 2, nullptr}},
                0};
    return build(place, devnum, shape);
}

UsbDevice gadget_device(const Place& place, int devnum, const std::string& serial) {
    Shape shape{0x0955,
                0x7020,
                0x0002,
                0xef,
                "NVIDIA",
                "Linux for Tegra",
                serial,
                "usb",
                {{0xe0, 1, 3, {0x81}, 3, "rndis_host"},
                 {0x0a, 0, 0, {0x82, 0x01}, 2, "rndis_host"},
                 {0x02, 2, 1, {0x83}, 3, "cdc_acm"},
                 {0x0a, 0, 0, {0x84, 0x02}, 2, "cdc_acm"},
                 {0x08, 6, 0x50, {0x85, 0x03}, 2, "usb-storage"}},
                0};
    return build(place, devnum, shape);
}

SysDevice net_device(const Place& place, const std::string& name, unsigned index,
                     const std::string& address) {
    SysDevice device;
    device.path = place.sys_path() + "/" + place.bus_port() + ":1.0/net/" + name;
    device.subsystem = "net";
    device.is_bus = false;
    device.device_link = "../../../" + place.bus_port() + ":1.0";
    device.properties = {
        {"INTERFACE", name},
        {"IFINDEX", std::to_string(index)},
        {"ID_BUS", "usb"},
        {"ID_VENDOR_ID", "0955"},
        {"ID_MODEL_ID", "7020"},
        {"ID_NET_DRIVER", "rndis_host"},
        {"ID_PATH", place.port_key() + ":1.0"},
    };
    device.attributes = {
        {"ifindex", std::to_string(index)},
        {"address", address},
        {"type", "1"},
        {"operstate", "up"},
        {"carrier", "1"},
        {"mtu", "1500"},
        {"flags", "0x1003"},
        {"dev_id", "0x0"},
    };
    return device;
}

UsbDevice card_reader(const Place& place, int devnum, unsigned vendor, unsigned product) {
    Shape shape{vendor,
                product,
                0x1532,
                0,
                "Generic",
                "USB Storage",
                "000000001532",
                "usb",
                {{0x08, 6, 0x50, {0x81, 0x02}, 2, "usb-storage"}},
                0};
    return build(place, devnum, shape);
}

namespace {

std::string scsi_name(int host) {
    return std::to_string(host) + ":0:0:0";
}

std::string scsi_path(const Place& place, int host) {
    const auto number = std::to_string(host);
    return place.sys_path() + "/" + place.bus_port() + ":1.0/host" + number + "/target" + number +
           ":0:0/" + scsi_name(host);
}

}  // namespace

SysDevice scsi_device(const Place& place, int host, const std::string& model) {
    SysDevice device;
    device.path = scsi_path(place, host);
    device.subsystem = "scsi";
    device.devtype = "scsi_device";
    device.driver = "sd";
    device.attributes = {{"vendor", "Generic "}, {"model", model}, {"type", "0"}};
    return device;
}

SysDevice disk_device(const Place& place, int host, const DiskLooks& looks) {
    SysDevice device;
    device.path = scsi_path(place, host) + "/block/" + looks.name;
    device.subsystem = "block";
    device.devtype = "disk";
    device.is_bus = false;
    device.block = looks.number;
    device.device_link = "../../../" + scsi_name(host);
    device.properties = {{"ID_BUS", "usb"}, {"ID_PATH", place.port_key() + "-scsi-0:0:0:0"}};
    device.attributes = {{"size", std::to_string(looks.bytes / 512)},
                         {"ro", "0"},
                         {"removable", "1"},
                         {"diskseq", looks.sequence}};
    return device;
}

}  // namespace line
