// SPDX-License-Identifier: Apache-2.0
// The shifts of a station, by the clock on its wall: one goes from its start to the next one's. A
// night that begins before midnight is of the day it began on.
// Thread: any (pure, but for the host's time zone).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::records {

inline constexpr unsigned kEveryDay = 0x7f;

struct Shift {
    std::string name;
    int start_min = 0;          // of the day
    unsigned days = kEveryDay;  // on which it begins; bit 0 is Sunday
};
using Shifts = std::vector<Shift>;

[[nodiscard]] Shifts default_shifts();  // early 06:00, late 14:00, night 22:00
[[nodiscard]] const Shift* find_shift(const Shifts& shifts, std::string_view name);
// From its start to the next start of any of them.
[[nodiscard]] int minutes_of(const Shifts& shifts, const Shift& shift);

struct Stretch {
    std::int64_t since_ms = 0;  // UTC
    std::int64_t until_ms = 0;  // not included
};
// `day`: "2026-11-28", on the station's wall. No shift: that day from midnight to midnight.
// Errors: request.invalid.
[[nodiscard]] base::Result<Stretch> stretch_of_day(const Shifts& shifts, const Shift* shift,
                                                   std::string_view day);
// SQL: `column` (UTC milliseconds) lies in such a shift, on whatever day.
[[nodiscard]] std::string shift_condition(const Shifts& shifts, const Shift& shift,
                                          std::string_view column);
// {"shifts":[{"name","start":"06:00","minutes","days":[0..6]}],
//  "recent":[{"shift","day","since","until"}]}: the newest that have begun by `now_ms`, newest
// first.
[[nodiscard]] base::Json shifts_json(const Shifts& shifts, std::int64_t now_ms);

}  // namespace lineside::records
