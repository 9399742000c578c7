// SPDX-License-Identifier: Apache-2.0
// Errors as RFC 9457 application/problem+json: one table says which HTTP status a code has;
// sentence and hint come from the error, else from this table, else from station/base/codes.
// Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "web/server/http.h"

#include <string_view>

namespace lineside::web {

[[nodiscard]] unsigned status_of(std::string_view code);
// An error of the HTTP layer ("http.host"), with the hint of the table.
[[nodiscard]] base::Error http_error(std::string_view code, std::string message = {});
[[nodiscard]] base::Json problem_json(const base::Error& error);
[[nodiscard]] Response problem_response(const base::Error& error);

}  // namespace lineside::web
