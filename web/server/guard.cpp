// SPDX-License-Identifier: Apache-2.0
#include "web/server/guard.h"

#include "station/base/text.h"

#include <boost/asio/ip/address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::web {

namespace {

// "[fd00::5]:8443" is the address fd00::5 and the port 8443; no port is the scheme's own.
struct HostAndPort {
    std::string_view host;
    std::string_view port;
};
HostAndPort parts_of(std::string_view host) {
    const auto colon = host.rfind(':');
    const auto bracket = host.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
        return {host, {}};
    }
    return {host.substr(0, colon), host.substr(colon + 1)};
}

bool is_address(std::string_view host, std::string_view address) {
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code bad;
    boost::system::error_code ours;
    const auto given = boost::asio::ip::make_address(host, bad);
    return !bad && given == boost::asio::ip::make_address(address, ours) && !ours;
}

}  // namespace

bool is_own_host(std::string_view host, const Door& door, std::string_view reached) {
    const std::string text = base::to_lower_ascii(host);
    const auto given = parts_of(text);
    const std::uint16_t usual = door.tls ? 443 : 80;
    const bool own_port = given.port == std::to_string(door.port) ||
                          (given.port.empty() && !text.ends_with(":") && door.port == usual);
    if (!door.tls) {
        constexpr std::array<std::string_view, 3> kLoopback{"127.0.0.1", "localhost", "[::1]"};
        return own_port &&
               std::find(kLoopback.begin(), kLoopback.end(), given.host) != kLoopback.end();
    }
    return std::any_of(door.names.begin(), door.names.end(),
                       [&](const std::string& name) {
                           return parts_of(name).port.empty() ? own_port && given.host == name
                                                              : text == name;
                       }) ||
           (own_port && is_address(given.host, reached));
}

bool is_own_origin(std::string_view origin, const Door& door, std::string_view reached) {
    const std::string_view scheme = door.tls ? "https://" : "http://";
    return origin.starts_with(scheme) && is_own_host(origin.substr(scheme.size()), door, reached);
}

base::Status check_host(const Request& request, const Door& door) {
    if (request.header_count("host") > 1) {
        return base::fail("http.malformed", "There are two Host headers");
    }
    // No browser reaches the Unix socket, so what a client calls it there means nothing.
    if (!request.over_unix && !is_own_host(request.header("host"), door, request.reached)) {
        auto error = base::make_error("http.host");
        if (door.tls) {
            error.hint = "Open the station by its address, or add this name to names of [web]";
        }
        return tl::unexpected(std::move(error));
    }
    return {};
}

base::Status check_intent(const Request& request, const Door& door) {
    const bool reads = request.verb == Verb::get || request.verb == Verb::head;
    const auto site = request.header("sec-fetch-site");
    if (reads) {
        // A foreign page may neither start an export nor hold an event stream; a link to a page is
        // fine.
        if (is_api_path(request.path) && (site == "cross-site" || site == "same-site")) {
            return base::fail("http.origin");
        }
        return {};
    }
    if (request.header_count("origin") > 1) {
        return base::fail("http.origin");
    }
    const auto origin = request.header("origin");
    const bool needed = !request.over_unix;
    if ((needed || !origin.empty()) && !is_own_origin(origin, door, request.reached)) {
        return base::fail("http.origin");
    }
    if (!site.empty() && site != "same-origin") {
        return base::fail("http.origin");
    }
    if (request.header_count("x-lineside") != 1 || request.header("x-lineside") != "1") {
        return base::fail("http.header");
    }
    return {};
}

base::Status check_content_type(const Request& request, BodyKind kind) {
    if (kind == BodyKind::none) {
        return {};
    }
    const std::string_view wanted = kind == BodyKind::json ? "application/json" : "text/csv";
    const auto given = base::split(request.header("content-type"), ';').front();
    if (request.header_count("content-type") != 1 ||
        base::to_lower_ascii(base::trim_blanks(given)) != wanted) {
        return base::fail("http.content_type", fmt::format("The body must be {}", wanted));
    }
    if (!request.header("content-encoding").empty() &&
        request.header("content-encoding") != "identity") {
        return base::fail("http.content_type", "The body must not be compressed");
    }
    return {};
}

}  // namespace lineside::web
