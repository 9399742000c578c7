// SPDX-License-Identifier: Apache-2.0
// What a manager asks of a stretch of time: how many, how good, why not, where the time goes, which
// slot is ill. Everything is counted from the rows of attempts that ended in it; nothing is kept.
// Thread: a database reader's.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/db/query.h"

#include <cstdint>
#include <map>
#include <string>

namespace lineside::records {

struct NumbersAsked {
    std::int64_t since_ms = 0;  // UTC; hours are counted from here
    std::int64_t until_ms = 0;  // not included; at most kLongestMs later
    std::string order;          // "" = all
    std::string image;          // its key; "" = all
};

inline constexpr std::int64_t kLongestMs = std::int64_t{31} * 24 * 3'600'000;
inline constexpr std::int64_t kMostTimed =
    5'000;  // newest passed attempts whose steps are looked at

// Shape: Numbers in web/api/openapi.yaml.   Errors: request.invalid (the time), db.failed.
[[nodiscard]] base::Result<base::Json> numbers(db::Tx& tx, const NumbersAsked& asked);

// Are `hits` of `tries` at one place more than chance, where all `places` together have `all_hits`
// of `all_tries`? At least three, and so many or more would come by chance less than once in a
// hundred such tables (binomial, Bonferroni over the places).
[[nodiscard]] bool beyond_chance(std::int64_t hits, std::int64_t tries, std::int64_t all_hits,
                                 std::int64_t all_tries, std::size_t places);

}  // namespace lineside::records
