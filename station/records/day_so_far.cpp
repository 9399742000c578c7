// SPDX-License-Identifier: Apache-2.0
#include "station/records/day_so_far.h"

#include <algorithm>
#include <ctime>
#include <set>

namespace lineside::records {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kLongestJobMs = 24 * kHourMs;  // an older one did not end today

}  // namespace

std::int64_t local_midnight_ms(std::int64_t now_ms) {
    const auto now = static_cast<std::time_t>(now_ms / 1000);
    std::tm local{};
    ::localtime_r(&now, &local);
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;  // the clock may have been put forward or back since
    return static_cast<std::int64_t>(std::mktime(&local)) * 1000;
}

base::Result<DaySoFar> day_so_far(db::Tx& tx, std::int64_t midnight_ms, std::int64_t now_ms) {
    DaySoFar day;
    std::set<std::int64_t> made;
    std::int64_t passed_of_late = 0;
    std::int64_t begun = now_ms;
    const std::int64_t hour_ago = now_ms - kHourMs;
    auto read = tx.each(
        "SELECT j.unit_id, coalesce(j.outcome, ''), coalesce(j.ended_ms, 0), j.started_ms,"
        " j.outcome IN ('PASS', 'FAIL') AND NOT EXISTS (SELECT 1 FROM job e WHERE e.unit_id = "
        "j.unit_id AND e.id < j.id AND e.outcome IN ('PASS', 'FAIL'))"
        " FROM job j ORDER BY j.id DESC",
        {}, [&](const db::Tx::Row& row) {
            const std::int64_t started = row.integer(3);
            if (started < midnight_ms - kLongestJobMs) {
                return false;
            }
            const std::string outcome = row.text(1);
            const std::int64_t ended = outcome.empty() ? now_ms : row.integer(2);
            if (ended >= hour_ago) {
                begun = std::min(begun, started);
                passed_of_late += outcome == "PASS" ? 1 : 0;
            }
            if (!outcome.empty() && ended >= midnight_ms) {
                if (outcome == "PASS") {
                    made.insert(row.integer(0));
                }
                if (row.integer(4) != 0) {
                    ++day.first_judged;
                    day.first_passed += outcome == "PASS" ? 1 : 0;
                }
            }
            return true;
        });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    day.made = static_cast<std::int64_t>(made.size());
    if (passed_of_late > 0) {
        const std::int64_t span = now_ms - std::max(begun, hour_ago);
        day.takt_s = static_cast<double>(span) / 1000.0 / static_cast<double>(passed_of_late);
    }
    return day;
}

}  // namespace lineside::records
