// SPDX-License-Identifier: Apache-2.0
// Answers made for one request, compressed where the asker takes it: a wall of 64 slots is 37 KB as
// text and under 2 KB in gzip. Files come compressed already (static_files.h), streams and exports
// are left alone. Internal to web/server.   Thread: any.
#pragma once

#include "web/server/http.h"

#include <string_view>

namespace lineside::web {

// The answer, in gzip if it is JSON of 1 KiB or more and `accept_encoding` allows it.
[[nodiscard]] Response compressed(Response response, std::string_view accept_encoding);

}  // namespace lineside::web
