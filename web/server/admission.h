// SPDX-License-Identifier: Apache-2.0
// All that is decided about a request before its body is read: host, target, route, sender, kind
// and size of the body. Internal to web/server. Thread: the io_context's (reads Site).
#pragma once

#include "web/server/site.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::web {

// How the message is framed, from its parser.
struct Framed {
    unsigned version = 11;
    std::string_view target;
    std::optional<std::uint64_t> length;
    bool chunked = false;
};
struct Admission {
    Router::Match match;
    std::size_t body_limit = 0;
    bool upload = false;  // a large body: counts against Limits::uploads
};
// The answer to who came to a TLS door in the clear: the same page there.
[[nodiscard]] Response sent_to_tls(const Request& request, const Door& door,
                                   std::string_view target);
// Fills path, segments, query and params of `request`; `allow` as in Router::find.
// Errors: http.* of guard, target and router; http.version, http.too_large, http.busy.
[[nodiscard]] base::Result<Admission> admit(Request& request, const Framed& framed,
                                            const Site& site, const Door& door, std::string& allow);

}  // namespace lineside::web
