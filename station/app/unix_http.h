// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange with the service over its Unix socket; the peer's credentials are who asks.
// Errors: config.missing (no service there), request.refused (what the service answered).
// Thread: blocks; for the command line only.
#pragma once

#include "station/base/error.h"

#include <functional>
#include <string>

namespace lineside::app {

struct HttpAnswer {
    unsigned status = 0;
    std::string body;    // empty when `sink` took it
    std::string anchor;  // header Lineside-Anchor, base64; "" without
};

struct HttpAsk {
    std::string method = "GET";
    std::string target;
    std::string content_type;
    std::string body;
    // Takes the body of a good answer in pieces; without it the body is collected.
    std::function<bool(std::string_view)> sink;
};

[[nodiscard]] base::Result<HttpAnswer> ask(const std::string& socket, const HttpAsk& what);
// Percent-encodes what may stand in a query value.
[[nodiscard]] std::string encode(std::string_view text);

}  // namespace lineside::app
