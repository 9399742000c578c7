// SPDX-License-Identifier: Apache-2.0
#include "station/loop/endpoint.h"

#include "station/base/text.h"

#include <boost/asio/ip/address.hpp>

namespace lineside::loop {

using tcp = boost::asio::ip::tcp;

std::optional<tcp::endpoint> endpoint_of(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = base::to_int(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool braces = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (braces) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    if (error || !port || *port < 1 || *port > 65535 || address.is_v6() != braces) {
        return std::nullopt;
    }
    return tcp::endpoint(address, static_cast<std::uint16_t>(*port));
}

}  // namespace lineside::loop
