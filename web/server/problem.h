// SPDX-License-Identifier: Apache-2.0
// Errors as RFC 9457 application/problem+json: one table says which HTTP status a code of
// station/base/codes has; title and hint are that list's. Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "web/server/http.h"

#include <string_view>

namespace lineside::web {

[[nodiscard]] unsigned status_of(std::string_view code);  // 500: the table does not have it
[[nodiscard]] base::Json problem_json(const base::Error& error);
[[nodiscard]] Response problem_response(const base::Error& error);

}  // namespace lineside::web
