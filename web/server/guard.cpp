// SPDX-License-Identifier: Apache-2.0
#include "web/server/guard.h"

#include "station/base/text.h"

#include <fmt/format.h>

namespace lineside::web {

bool is_own_host(std::string_view host, std::uint16_t port) {
    const std::string text = base::to_lower_ascii(host);
    for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"}) {
        if (text == fmt::format("{}:{}", name, port) || (port == 80 && text == name)) {
            return true;
        }
    }
    return false;
}

bool is_own_origin(std::string_view origin, std::uint16_t port) {
    constexpr std::string_view kScheme = "http://";
    return origin.starts_with(kScheme) && is_own_host(origin.substr(kScheme.size()), port);
}

base::Status check_host(const Request& request, std::uint16_t port) {
    if (request.header_count("host") > 1) {
        return base::fail("http.malformed", "There are two Host headers");
    }
    // No browser reaches the Unix socket, so what a client calls it there means nothing.
    if (!request.over_unix && !is_own_host(request.header("host"), port)) {
        return base::fail("http.host");
    }
    return {};
}

base::Status check_intent(const Request& request, std::uint16_t port) {
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
    if ((needed || !origin.empty()) && !is_own_origin(origin, port)) {
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
