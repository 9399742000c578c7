// SPDX-License-Identifier: Apache-2.0
// Reads a request target ("/units/7?x=y") into decoded segments and parameters. Strict: percent
// signs must be right, and a segment that is "." or "..", or holds '/', '\', NUL or another control
// character after decoding, refuses the whole target, so nothing behind this page ever sees a path
// that climbs. Errors: http.malformed, http.target.   Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "web/server/http.h"

#include <string_view>

namespace lineside::web {

struct Target {
    std::string path;
    std::vector<std::string> segments;
    std::vector<NamedValue> query;
};
[[nodiscard]] base::Result<Target> parse_target(std::string_view text,
                                                std::size_t max_length = 4096);

}  // namespace lineside::web
