// SPDX-License-Identifier: Apache-2.0
#include "station/records/slot_health.h"

#include "station/base/codes.h"

#include <algorithm>
#include <map>
#include <set>

namespace lineside::records {
namespace {

using base::Json;
using base::Result;
using core::Outcome;
using db::Tx;

constexpr std::int64_t kDayMs = std::int64_t{24} * 3'600'000;
constexpr std::size_t kMostJudged = 2'000;
constexpr int kMostClosings = 5;  // shown of one slot

struct Fault {
    core::Attempts all;  // cases of one code, at all slots
    core::Follows follows;
    std::set<std::int64_t> travelling;  // units that had it in several slots
};
using Faults = std::map<std::pair<Outcome, std::string>, Fault>;

Faults faults_of(const core::Attempts& attempts) {
    Faults faults;
    for (const core::EndedAttempt* each : attempts) {
        if (each->outcome == Outcome::fail || each->outcome == Outcome::error) {
            faults[{each->outcome, each->code}].all.push_back(each);
        }
    }
    for (auto& [key, fault] : faults) {
        fault.follows = core::follows(fault.all, attempts);
        std::map<std::int64_t, std::set<std::string>> seen_at;
        for (const core::EndedAttempt* each : fault.all) {
            seen_at[each->unit].insert(each->slot);
        }
        for (const auto& [unit, slots] : seen_at) {
            if (slots.size() > 1) {
                fault.travelling.insert(unit);
            }
        }
    }
    return faults;
}

// The faults seen at one slot, most cases first.
Json faults_at(const std::string& slot, const Faults& faults) {
    std::vector<Json> list;
    for (const auto& [key, fault] : faults) {
        std::set<std::int64_t> units;
        std::int64_t cases = 0;
        std::int64_t travelling = 0;
        for (const core::EndedAttempt* each : fault.all) {
            if (each->slot == slot) {
                ++cases;
                if (units.insert(each->unit).second && fault.travelling.contains(each->unit)) {
                    ++travelling;
                }
            }
        }
        if (cases == 0) {
            continue;
        }
        const bool the_slots =
            fault.follows.what == core::Follows::What::slot && fault.follows.slot == slot;
        const base::CodeEntry& entry = base::code_entry(key.second);
        list.push_back({{"code", key.second},
                        {"display_code", entry.display},
                        {"sentence", entry.sentence},
                        {"outcome", core::to_text(key.first)},
                        {"cases", cases},
                        {"all_cases", fault.all.size()},
                        {"units", units.size()},
                        {"units_elsewhere", travelling},
                        {"passed_elsewhere", the_slots ? fault.follows.elsewhere : 0},
                        {"follows", the_slots        ? Json("slot")
                                    : travelling > 0 ? Json("unit")
                                                     : Json(nullptr)}});
    }
    std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
        return a["cases"].get<std::int64_t>() > b["cases"].get<std::int64_t>();
    });
    Json sorted = Json::array();
    for (Json& each : list) {
        sorted.push_back(std::move(each));
    }
    return sorted;
}

Json or_null(const Tx::Row& row, int column) {
    return row.is_null(column) ? Json(nullptr) : Json(row.text(column));
}

// Newest first.
Result<std::map<std::string, Json>> closings(Tx& tx) {
    std::map<std::string, Json> of;
    auto read = tx.each(
        "SELECT slot, closed_ms, closed_by, reason, reopened_ms, reopened_by, reopen_reason FROM "
        "slot_closing ORDER BY id DESC",
        {}, [&](const Tx::Row& row) {
            Json& list = of.try_emplace(row.text(0), Json::array()).first->second;
            if (list.size() < kMostClosings) {
                list.push_back(
                    {{"at", row.integer(1)},
                     {"by", row.text(2)},
                     {"reason", row.text(3)},
                     {"reopened_at", row.is_null(4) ? Json(nullptr) : Json(row.integer(4))},
                     {"reopened_by", or_null(row, 5)},
                     {"reopen_reason", or_null(row, 6)}});
            }
            return true;
        });
    return read ? Result<std::map<std::string, Json>>(std::move(of))
                : tl::unexpected<base::Error>(read.error());
}

}  // namespace

Result<Json> slot_health(Tx& tx, const StretchAsked& asked, const std::vector<std::string>& slots) {
    auto attempts = attempts_in(tx, asked);
    auto closed = closings(tx);
    if (!attempts || !closed) {
        return tl::unexpected<base::Error>(!attempts ? attempts.error() : closed.error());
    }
    const core::Attempts all = pointers(*attempts);
    const Faults faults = faults_of(all);
    std::map<std::string, SlotCounts> counts;
    SlotCounts sum;
    for (const Attempt& each : *attempts) {
        for (SlotCounts* one : {&counts[each.slot], &sum}) {
            ++one->attempts;
            one->failed += each.outcome == Outcome::fail ? 1 : 0;
            one->problems += each.outcome == Outcome::error ? 1 : 0;
        }
    }
    std::vector<std::string> names = slots;
    for (const auto& [slot, count] : counts) {
        if (std::find(slots.begin(), slots.end(), slot) == slots.end()) {
            names.push_back(slot);
        }
    }
    Json list = Json::array();
    for (const std::string& name : names) {
        const SlotCounts& one = counts[name];
        Json history = closed->contains(name) ? closed->at(name) : Json::array();
        const bool is_closed = !history.empty() && history[0]["reopened_at"].is_null();
        list.push_back(
            {{"slot", name},
             {"attempts", one.attempts},
             {"failed", one.failed},
             {"problems", one.problems},
             {"beyond_chance",
              core::beyond_chance(one.failed + one.problems, one.attempts,
                                  sum.failed + sum.problems, sum.attempts, counts.size())},
             {"faults", faults_at(name, faults)},
             {"closed", is_closed ? history[0] : Json(nullptr)},
             {"closings", std::move(history)}});
    }
    return Json{{"since", asked.since_ms}, {"until", asked.until_ms}, {"slots", std::move(list)}};
}

Result<std::vector<Attempt>> attempts_before(Tx& tx, std::int64_t job, std::int64_t now_ms) {
    auto image = tx.one<std::string>("SELECT image_key FROM job WHERE id = ?1", job);
    if (!image || !*image) {
        return image ? base::fail("db.failed", "job: is not there")
                     : tl::unexpected<base::Error>(image.error());
    }
    std::vector<Attempt> found;
    std::size_t looked_at = 0;
    auto read = tx.each(
        "SELECT j.unit_id, u.chip_id IS NOT NULL, j.slot, coalesce(j.outcome, ''), "
        "coalesce(j.code, ''), j.started_ms, j.image_key, j.id, j.started_ms >= coalesce((SELECT "
        "max(c.reopened_ms) FROM slot_closing c WHERE c.slot = j.slot), 0)"
        " FROM job j JOIN unit u ON u.id = j.unit_id ORDER BY j.id DESC",
        {}, [&](const Tx::Row& row) {
            if (row.integer(5) < now_ms - kDayMs || ++looked_at > kMostJudged) {
                return false;
            }
            const auto outcome = core::outcome_from_text(row.text(3));
            if (outcome && row.text(6) == std::get<0>(**image) && row.integer(8) != 0) {
                Attempt one;
                one.job = row.integer(7);
                one.unit = row.integer(0);
                one.chip_known = row.integer(1) != 0;
                one.slot = row.text(2);
                one.outcome = *outcome;
                one.code = row.text(4);
                found.push_back(std::move(one));
            }
            return true;
        });
    return read ? Result<std::vector<Attempt>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

}  // namespace lineside::records
