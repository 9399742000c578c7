// SPDX-License-Identifier: Apache-2.0
// An address with its port, as configuration files have it. Thread: any (pure).
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <string_view>

namespace lineside::loop {

// "192.168.1.9:9100", "[fd00::9]:9100"; nothing for anything else: no name is looked up.
[[nodiscard]] std::optional<boost::asio::ip::tcp::endpoint> endpoint_of(std::string_view text);

}  // namespace lineside::loop
