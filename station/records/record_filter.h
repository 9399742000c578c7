// SPDX-License-Identifier: Apache-2.0
// Which rows of the view record_v1 are wanted: the filters of the records page, of `lineside
// export` and of the export request, parsed once and turned into SQL once. Thread: any (plain
// values).
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"
#include "station/records/shift.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::records {

struct RecordFilter {
    std::optional<std::string> serial_from;  // case ignored, plain text order; both ends included
    std::optional<std::string> serial_to;
    std::optional<std::int64_t> since_ms;  // ended at or after
    std::optional<std::int64_t> until_ms;  // ended before
    std::vector<std::string> results;      // PASS, FAIL, ERROR, ABORTED; empty = all
    std::optional<std::string> batch;
    std::optional<std::string> order;      // its name
    std::optional<std::string> operator_;  // who began it; "plug-in": nobody pressed anything
    std::optional<std::string> image;      // id or its first 6 digits or more
    std::optional<std::string> slot;
    std::vector<std::string> codes;  // any of them; empty = all
    std::string shift_sql;           // of a shift on whatever day, over ended_ms; "" = all
    std::optional<Stretch> day;      // of a shift on one day, or a whole one
};

// From named texts, as they come in a request: serial_from, serial_to, since, until, result, order,
// batch, image, slot, operator, code, shift, day. Empty texts count as absent.   Errors:
// request.invalid names the field.
[[nodiscard]] base::Result<RecordFilter> parse_filter(
    const std::map<std::string, std::string>& fields, const Shifts& shifts = {});

// The named shift.   Errors: request.invalid, naming those there are.
[[nodiscard]] base::Result<const Shift*> known_shift(const Shifts& shifts, const std::string& name);

// "A..B", "A..", "..B" or "A" into serial_from and serial_to.   Errors: request.invalid.
[[nodiscard]] base::Status parse_serial_range(std::string_view text, RecordFilter& filter);

// UTC milliseconds of "1763640000000", "2026-11-20", "2026-11-20T10:41[:24[.010]]", the latter two
// also with Z or +HH:MM; without a zone UTC is meant. A date alone is its first moment, or with
// `end_of_day` the first of the next day.   Errors: request.invalid.
[[nodiscard]] base::Result<std::int64_t> parse_time(std::string_view text, bool end_of_day);

// " WHERE …" (or "") over the columns of record_v1, with values for ?1, ?2, …
struct Where {
    std::string sql;
    std::vector<db::Value> args;
};
// `few_serials`: the range or the batch holds few, so they are looked up first; else every record
// is looked at. The rows are the same.
[[nodiscard]] Where where(const RecordFilter& filter, bool few_serials = false);
// Whether `filter` asks for a range of serials or a batch that holds few of them.   Errors:
// db.failed.
[[nodiscard]] base::Result<bool> asks_for_few_serials(db::Tx& tx, const RecordFilter& filter);
// `where` and one more condition; each '?' in it stands for the next of `values`.
[[nodiscard]] Where narrowed(Where where, std::string_view condition,
                             const std::vector<db::Value>& values);

}  // namespace lineside::records
