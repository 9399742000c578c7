// SPDX-License-Identifier: Apache-2.0
// The filters of the record table and of its exports, from query parameters to a WHERE over the columns
// of the view record_v1. Values are always bound, never pasted.
// Errors: http.parameter.   Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"
#include "web/server/http.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::api {

struct RecordFilter {
    std::string where = "1";        // over record_v1, placeholders ?1 …
    std::vector<db::Value> values;  // of ?1 …

    // Adds "AND <text>", where each '?' stands for the next of `more`.
    void add(std::string_view text, const std::vector<db::Value>& more);
};
[[nodiscard]] base::Result<RecordFilter> record_filter(const web::Request& request);

// UTC milliseconds from "1795170162000" or "2026-11-20T10:41:24.5+01:00" (a zone is required).
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace lineside::api
