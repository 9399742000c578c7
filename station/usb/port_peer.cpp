// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_peer.h"

#include "station/usb/port_path.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace lineside::usb {
namespace {

namespace fs = std::filesystem;

// Where the firmware says a port is, as the kernel passes it on; nothing where it says nothing.
std::optional<std::string> location_of(const fs::path& port) {
    std::string text;
    std::ifstream(port / "location") >> text;
    const bool said = text.starts_with("0x") && text.find_first_not_of('0', 2) != std::string::npos;
    return said ? std::optional(text) : std::nullopt;
}

// The one port of another bus of the same controller that is at the same place. Two of them would
// be firmware that lies, which pairs nothing.
std::optional<std::string> peer_by_location(const fs::path& port) {
    const auto wanted = location_of(port);
    const auto bus = port.parent_path().parent_path();  // …/usb1/1-0:1.0/usb1-port3
    if (!wanted || !bus.filename().native().starts_with("usb")) {
        return std::nullopt;
    }
    std::optional<std::string> found;
    std::error_code error;
    for (const auto& other : fs::directory_iterator(bus.parent_path(), error)) {
        const std::string name = other.path().filename();
        if (!name.starts_with("usb") || other.path() == bus) {
            continue;
        }
        const auto hub = other.path() / (name.substr(3) + "-0:1.0");
        for (const auto& candidate : fs::directory_iterator(hub, error)) {
            if (candidate.path().filename().native().starts_with(name + "-port") &&
                location_of(candidate.path()) == wanted) {
                if (found) {
                    return std::nullopt;
                }
                found = candidate.path();
            }
        }
    }
    return found;
}

std::optional<PortPath> path_of_port_folder(std::string_view folder) {
    const auto slash = folder.rfind('/');
    const auto above = slash == std::string_view::npos || slash == 0 ? std::string_view::npos
                                                                     : folder.rfind('/', slash - 1);
    const auto port = folder.rfind("-port");
    if (above == std::string_view::npos || port == std::string_view::npos || port < slash) {
        return std::nullopt;
    }
    const std::string hub(folder.substr(slash + 1, port - slash - 1));  // "2-1" or "usb2"
    const std::string number(folder.substr(port + 5));
    const bool root = hub.starts_with("usb");
    const std::string name = root ? hub.substr(3) + "-" + number : hub + "." + number;
    return port_of_syspath(std::string(folder.substr(0, above)) + "/" + name);
}

bool at_superspeed(const fs::path& device) {
    int speed = 0;  // Mbit/s
    std::ifstream(device / "speed") >> speed;
    return speed >= kSuperSpeed;
}

}  // namespace

std::optional<std::string> key_of_port_folder(std::string_view folder) {
    const auto found = path_of_port_folder(folder);
    return found ? std::optional(found->key) : std::nullopt;
}

std::optional<PortPath> socket_of_port_folder(const std::string& folder) {
    auto port = path_of_port_folder(folder);
    if (port && at_superspeed(fs::path(folder).parent_path().parent_path())) {
        std::error_code error;
        const auto peer = fs::canonical(fs::path(folder) / "peer", error);
        port->half = port->key;
        port->key = (error ? std::nullopt : key_of_port_folder(peer.native())).value_or(port->key);
    }
    return port;
}

std::optional<std::string> peer_of(const std::string& device_syspath) {
    const auto own = port_of_syspath(device_syspath);
    if (!own) {
        return std::nullopt;
    }
    // Not by the device's link `port`: the kernel makes it only after it has told of the device.
    const fs::path above = fs::path(device_syspath).parent_path();
    const std::string hub = above.filename();  // "2-5", or "usb2"
    const auto number = own->bus_port.substr(own->bus_port.find_last_of("-.") + 1);
    const auto interface = hub.starts_with("usb") ? hub.substr(3) + "-0:1.0" : hub + ":1.0";
    std::error_code error;
    const auto peer = fs::canonical(above / interface / (hub + "-port" + number) / "peer", error);
    if (!error) {
        return key_of_port_folder(peer.native());
    }
    // "2-5.1": port 5 of bus 2, and ".1" beyond it. A hub with both halves numbers its ports alike,
    // which is how the kernel pairs them too.
    const auto dash = own->bus_port.find('-');
    const auto dot = own->bus_port.find('.');
    const auto bus = own->bus_port.substr(0, dash);
    const auto root = own->bus_port.substr(
        dash + 1, dot == std::string::npos ? std::string::npos : dot - dash - 1);
    fs::path folder = device_syspath;
    while (folder.has_relative_path() && folder.filename() != "usb" + bus) {
        folder = folder.parent_path();
    }
    const auto found = peer_by_location(folder / (bus + "-0:1.0") / ("usb" + bus + "-port" + root));
    auto key = found ? key_of_port_folder(*found) : std::nullopt;
    if (key && dot != std::string::npos) {
        *key += own->bus_port.substr(dot);
    }
    return key;
}

std::optional<PortPath> socket_of(const std::string& device_syspath) {
    auto port = port_of_syspath(device_syspath);
    if (port && at_superspeed(device_syspath)) {
        port->half = port->key;
        port->key = peer_of(device_syspath).value_or(port->key);
    }
    return port;
}

}  // namespace lineside::usb
