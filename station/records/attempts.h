// SPDX-License-Identifier: Apache-2.0
// The attempts that ended in a stretch of time: what numbers and slot health are counted from.
// Private to station/records.   Thread: a database reader's.
#pragma once

#include "station/base/error.h"
#include "station/core/slot_trouble.h"
#include "station/db/query.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lineside::records {

struct StretchAsked {
    std::int64_t since_ms = 0;   // UTC; hours are counted from here
    std::int64_t until_ms = 0;   // not included; at most kLongestMs later
    std::string order;           // "" = all
    std::string image;           // its key; "" = all
    std::string shift_sql = {};  // shift_condition() over j.ended_ms; "" = all
};

inline constexpr std::int64_t kLongestMs = std::int64_t{31} * 24 * 3'600'000;

struct Attempt : core::EndedAttempt {
    std::int64_t job = 0;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    bool first_judged = false;  // of its unit, ever
};

// The condition on job j and its order o, with its four values.
[[nodiscard]] std::string in_stretch(const StretchAsked& asked);
[[nodiscard]] std::vector<db::Value> stretch_values(const StretchAsked& asked);

// Oldest first.   Errors: request.invalid (the time), db.failed.
[[nodiscard]] base::Result<std::vector<Attempt>> attempts_in(db::Tx& tx, const StretchAsked& asked);
[[nodiscard]] core::Attempts pointers(const std::vector<Attempt>& attempts);

// Of one slot.
struct SlotCounts {
    std::int64_t attempts = 0;
    std::int64_t failed = 0;    // FAIL: the unit was bad
    std::int64_t problems = 0;  // ERROR: the unit was not judged
};

}  // namespace lineside::records
