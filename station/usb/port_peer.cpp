// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_peer.h"

#include "station/usb/port_path.h"

#include <filesystem>
#include <system_error>

namespace lineside::usb {

std::optional<std::string> key_of_port_folder(std::string_view folder) {
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
    const auto found = port_of_syspath(std::string(folder.substr(0, above)) + "/" + name);
    return found ? std::optional(found->key) : std::nullopt;
}

std::optional<std::string> peer_of(const std::string& device_syspath) {
    std::error_code error;
    const auto peer =
        std::filesystem::canonical(std::filesystem::path(device_syspath) / "port" / "peer", error);
    return error ? std::nullopt : key_of_port_folder(peer.native());
}

}  // namespace lineside::usb
