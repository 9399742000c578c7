// SPDX-License-Identifier: Apache-2.0
#include "station/records/job_context.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace lineside::records {
namespace {

using base::Json;
using base::Result;
using db::Tx;

double median_s(std::vector<std::int64_t>& ms) {
    const auto middle = ms.begin() + static_cast<std::ptrdiff_t>(ms.size() / 2);
    std::nth_element(ms.begin(), middle, ms.end());
    return static_cast<double>(std::max<std::int64_t>(*middle, 0)) / 1000.0;
}

// Of the same product: its step list and its image are what makes lengths comparable.
Result<Json> usual(Tx& tx, std::int64_t job) {
    // Attempts are numbered as they begin; looking through a bounded stretch of them keeps the
    // answer quick where a product was last made long ago. What began before the job and ended
    // after its begin was not known then, and would change the answer later.
    const std::string passed = fmt::format(
        "SELECT j.id, j.ended_ms - j.started_ms FROM job j JOIN orders o ON o.id = j.order_id "
        "WHERE "
        "j.id < ?1 AND j.id >= ?1 - {} AND j.outcome = 'PASS' AND j.ended_ms <= (SELECT "
        "started_ms FROM job WHERE id = ?1) AND "
        "(o.profile, o.model) = (SELECT o2.profile, o2.model FROM job j2 JOIN orders o2 ON o2.id = "
        "j2.order_id WHERE j2.id = ?1) AND j.image_key IS (SELECT image_key FROM job WHERE id = "
        "?1) ORDER BY j.id DESC LIMIT {}",
        kLookedThrough, kMostUsual);
    std::vector<std::int64_t> total;
    auto read = tx.each(passed, {job}, [&](const Tx::Row& row) {
        total.push_back(row.integer(1));
        return true;
    });
    std::map<std::pair<std::int64_t, std::string>, std::vector<std::int64_t>> steps;
    if (read && static_cast<std::int64_t>(total.size()) >= kLeastUsual) {
        read = tx.each(fmt::format("SELECT s.idx, s.name, s.ended_ms - s.started_ms FROM step s "
                                   "WHERE s.outcome = 'ok' AND s.ended_ms IS NOT NULL AND s.job_id "
                                   "IN (SELECT id FROM ({}))",
                                   passed),
                       {job}, [&](const Tx::Row& row) {
                           steps[{row.integer(0), row.text(1)}].push_back(row.integer(2));
                           return true;
                       });
    }
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    if (static_cast<std::int64_t>(total.size()) < kLeastUsual) {
        return Json();
    }
    Json list = Json::array();
    for (auto& [step, ms] : steps) {
        list.push_back({{"index", step.first}, {"name", step.second}, {"median_s", median_s(ms)}});
    }
    const auto count = total.size();
    return Json{{"of", count}, {"median_s", median_s(total)}, {"steps", std::move(list)}};
}

// The job itself with its two neighbours in time on each side, oldest first.
Result<Json> on_slot(Tx& tx, std::int64_t job, const std::string& slot) {
    const auto side = [](const char* which, const char* order) {
        return fmt::format(
            "SELECT * FROM (SELECT j.id, j.unit_id, (SELECT us.value FROM unit_serial us WHERE "
            "us.unit_id = j.unit_id), j.outcome, j.code, coalesce(j.ended_ms, j.started_ms) FROM "
            "job j WHERE "
            "j.id {} AND j.slot = ?2 ORDER BY j.id {})",
            which, order);
    };
    Json list = Json::array();
    const auto text = [](const Tx::Row& row, int column) {
        return row.is_null(column) ? Json() : Json(row.text(column));
    };
    auto read = tx.each(
        side(fmt::format("< ?1 AND j.id >= ?1 - {}", kLookedThrough).c_str(), "DESC LIMIT 2") +
            " UNION ALL " +
            side(fmt::format(">= ?1 AND j.id <= ?1 + {}", kLookedThrough).c_str(), "LIMIT 3") +
            " ORDER BY 1",
        {job, slot}, [&](const Tx::Row& row) {
            list.push_back({{"job", row.integer(0)},
                            {"unit", row.integer(1)},
                            {"serial", text(row, 2)},
                            {"outcome", text(row, 3)},
                            {"display_code",
                             row.is_null(4) ? Json() : Json(base::code_entry(row.text(4)).display)},
                            {"at", row.integer(5)}});
            return true;
        });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    return list;
}

}  // namespace

Result<Json> job_context(Tx& tx, std::int64_t job) {
    const auto slot = tx.one<std::string>("SELECT slot FROM job WHERE id = ?1", job);
    if (!slot) {
        return tl::unexpected<base::Error>(slot.error());
    }
    if (!*slot) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job));
    }
    auto lengths = usual(tx, job);
    auto beside = lengths ? on_slot(tx, job, std::get<0>(**slot)) : Result<Json>(Json());
    if (!lengths || !beside) {
        return tl::unexpected<base::Error>(!lengths ? lengths.error() : beside.error());
    }
    return Json{{"usual", std::move(*lengths)}, {"on_slot", std::move(*beside)}};
}

}  // namespace lineside::records
