// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_path.h"

#include "station/base/text.h"

#include <vector>

namespace lineside::usb {
namespace {

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "1.3" -> true, "1..3", "", "1." -> false
bool is_chain(std::string_view chain) {
    for (std::string_view part : base::split(chain, '.')) {
        if (!all_digits(part)) {
            return false;
        }
    }
    return true;
}

// "1-1.3" -> true; "usb1" and "1-1.3:1.0" -> false
bool is_bus_port(std::string_view name) {
    const auto dash = name.find('-');
    return dash != std::string_view::npos && all_digits(name.substr(0, dash)) &&
           is_chain(name.substr(dash + 1));
}

}  // namespace

std::optional<PortPath> port_of_syspath(std::string_view syspath) {
    const auto parts = base::split(syspath, '/');
    std::size_t root = 0;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].starts_with("usb") && all_digits(parts[i].substr(3))) {
            root = i;
        }
    }
    if (root == 0 || root + 1 >= parts.size() || !is_bus_port(parts.back())) {
        return std::nullopt;
    }
    const std::string_view controller = parts[root - 1];
    const bool on_pci = controller.size() == 12 && controller[4] == ':' && controller[7] == ':';
    const std::string_view name = parts.back();
    const std::string_view chain = name.substr(name.find('-') + 1);
    PortPath path;
    const std::string prefix =
        std::string(on_pci ? "pci-" : "platform-") + std::string(controller) + "-usb-0:";
    path.key = prefix + std::string(chain);
    path.bus_port = name;
    path.root_port = prefix + std::string(chain.substr(0, chain.find('.')));
    return path;
}

std::optional<std::string> usb_device_above(std::string_view syspath) {
    while (!syspath.empty()) {
        if (port_of_syspath(syspath)) {
            return std::string(syspath);
        }
        const auto slash = syspath.rfind('/');
        if (slash == std::string_view::npos) {
            break;
        }
        syspath = syspath.substr(0, slash);
    }
    return std::nullopt;
}

bool is_port_key(std::string_view text) {
    const auto at = text.find("-usb-0:");
    return at != std::string_view::npos && at > 0 && is_chain(text.substr(at + 7));
}

bool is_behind(std::string_view port_key, std::string_view hub_key) {
    return port_key.size() > hub_key.size() && port_key.starts_with(hub_key) &&
           port_key[hub_key.size()] == '.';
}

}  // namespace lineside::usb
