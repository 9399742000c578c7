// SPDX-License-Identifier: Apache-2.0
#include "station/records/attempts.h"

namespace lineside::records {

std::string in_stretch(const StretchAsked& asked) {
    return " j.outcome IS NOT NULL AND j.ended_ms >= ?1 AND j.ended_ms < ?2"
           " AND (?3 IS NULL OR o.name = ?3) AND (?4 IS NULL OR j.image_key = ?4)" +
           (asked.shift_sql.empty() ? "" : " AND " + asked.shift_sql);
}

std::vector<db::Value> stretch_values(const StretchAsked& asked) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? db::Value(nullptr) : db::Value(text);
    };
    return {asked.since_ms, asked.until_ms, or_null(asked.order), or_null(asked.image)};
}

base::Result<std::vector<Attempt>> attempts_in(db::Tx& tx, const StretchAsked& asked) {
    if (asked.until_ms <= asked.since_ms || asked.until_ms - asked.since_ms > kLongestMs) {
        return base::fail("request.invalid", "until: after since, and at most 31 days after it");
    }
    std::vector<Attempt> found;
    auto read = tx.each(
        "SELECT j.id, j.unit_id, j.slot, j.outcome, coalesce(j.code, ''), j.ended_ms, j.started_ms,"
        " j.outcome IN ('PASS', 'FAIL') AND NOT EXISTS (SELECT 1 FROM job e WHERE e.unit_id = "
        "j.unit_id AND e.id < j.id AND e.outcome IN ('PASS', 'FAIL')), u.chip_id IS NOT NULL"
        " FROM job j JOIN orders o ON o.id = j.order_id JOIN unit u ON u.id = j.unit_id WHERE" +
            in_stretch(asked) + " ORDER BY j.id",
        stretch_values(asked), [&](const db::Tx::Row& row) {
            Attempt one;
            one.job = row.integer(0);
            one.unit = row.integer(1);
            one.slot = row.text(2);
            one.outcome = core::outcome_from_text(row.text(3)).value_or(core::Outcome::error);
            one.code = row.text(4);
            one.ended_ms = row.integer(5);
            one.started_ms = row.integer(6);
            one.first_judged = row.integer(7) != 0;
            one.chip_known = row.integer(8) != 0;
            found.push_back(std::move(one));
            return true;
        });
    return read ? base::Result<std::vector<Attempt>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

core::Attempts pointers(const std::vector<Attempt>& attempts) {
    core::Attempts list;
    list.reserve(attempts.size());
    for (const Attempt& each : attempts) {
        list.push_back(&each);
    }
    return list;
}

}  // namespace lineside::records
