// SPDX-License-Identifier: Apache-2.0
// Status line and headers of an answer as text. The one place for the security headers: whatever a
// route forgets, they are there.
// Thread: any (pure).
#pragma once

#include "web/server/http.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lineside::web {

struct Framing {
    unsigned version = 11;  // 10 or 11, of the request
    bool keep_alive = true;
    bool chunked = false;
    bool strict_transport = false;
    std::optional<std::uint64_t> length;  // none: chunked, or until the connection ends
};
// How an answer ends: by length, by chunks, or (events, and pieces for HTTP/1.0) with the
// connection.
[[nodiscard]] Framing framing_of(const Response& response, unsigned version);
[[nodiscard]] std::string response_head(const Response& response, const Framing& framing);
[[nodiscard]] std::string_view reason_phrase(unsigned status);
// "Fri, 20 Nov 2026 18:24:00 GMT"
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);

}  // namespace lineside::web
