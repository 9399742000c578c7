// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace lineside::records {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kFewestCases = 3;
constexpr std::size_t kBins = 60;
constexpr std::string_view kWhere =
    " j.outcome IS NOT NULL AND j.ended_ms >= ?1 AND j.ended_ms < ?2"
    " AND (?3 IS NULL OR o.name = ?3) AND (?4 IS NULL OR j.image_key = ?4)";

struct Attempt {
    std::int64_t job = 0;
    std::int64_t unit = 0;
    std::string slot;
    std::string outcome;
    std::string code;  // "" of a PASS
    std::int64_t ended_ms = 0;
    bool first_judged = false;  // of its unit, ever
};

struct Slot {
    std::int64_t attempts = 0;
    std::int64_t failed = 0;    // FAIL: the unit was bad
    std::int64_t problems = 0;  // ERROR: the unit was not judged
};

std::vector<db::Value> values(const NumbersAsked& asked) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? db::Value(nullptr) : db::Value(text);
    };
    return {asked.since_ms, asked.until_ms, or_null(asked.order), or_null(asked.image)};
}

Result<std::vector<Attempt>> attempts_in(Tx& tx, const NumbersAsked& asked) {
    std::vector<Attempt> found;
    auto read = tx.each(
        "SELECT j.id, j.unit_id, j.slot, j.outcome, coalesce(j.code, ''), j.ended_ms,"
        " j.outcome IN ('PASS', 'FAIL') AND NOT EXISTS (SELECT 1 FROM job e WHERE e.unit_id = "
        "j.unit_id AND e.id < j.id AND e.outcome IN ('PASS', 'FAIL'))"
        " FROM job j JOIN orders o ON o.id = j.order_id WHERE" +
            std::string(kWhere) + " ORDER BY j.id",
        values(asked), [&](const Tx::Row& row) {
            found.push_back({row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4),
                             row.integer(5), row.integer(6) != 0});
            return true;
        });
    return read ? Result<std::vector<Attempt>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

Json sums(const std::vector<Attempt>& attempts) {
    std::set<std::int64_t> made;
    std::set<std::int64_t> failed_first;
    std::set<std::int64_t> recovered;
    std::int64_t first = 0;
    std::int64_t first_passed = 0;
    std::map<std::string, std::int64_t> by_outcome{
        {"PASS", 0}, {"FAIL", 0}, {"ERROR", 0}, {"ABORTED", 0}};
    for (const Attempt& each : attempts) {
        ++by_outcome[each.outcome];
        first += each.first_judged ? 1 : 0;
        first_passed += each.first_judged && each.outcome == "PASS" ? 1 : 0;
        if (each.outcome == "FAIL") {
            failed_first.insert(each.unit);
        }
        if (each.outcome == "PASS") {
            made.insert(each.unit);
            if (failed_first.contains(each.unit)) {
                recovered.insert(each.unit);
            }
        }
    }
    return {{"made", made.size()},
            {"attempts", attempts.size()},
            {"outcomes", by_outcome},
            {"first_judged", first},
            {"first_passed", first_passed},
            {"failed_units", failed_first.size()},
            {"passed_after_fail", recovered.size()}};
}

Json hours(const std::vector<Attempt>& attempts, const NumbersAsked& asked) {
    struct Hour {
        std::set<std::int64_t> made;
        std::int64_t first = 0, first_passed = 0;
    };
    const auto count =
        static_cast<std::size_t>((asked.until_ms - asked.since_ms + kHourMs - 1) / kHourMs);
    std::vector<Hour> all(count);
    for (const Attempt& each : attempts) {
        Hour& hour = all[static_cast<std::size_t>((each.ended_ms - asked.since_ms) / kHourMs)];
        if (each.outcome == "PASS") {
            hour.made.insert(each.unit);
        }
        hour.first += each.first_judged ? 1 : 0;
        hour.first_passed += each.first_judged && each.outcome == "PASS" ? 1 : 0;
    }
    Json list = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
        list.push_back({{"at", asked.since_ms + static_cast<std::int64_t>(i) * kHourMs},
                        {"made", all[i].made.size()},
                        {"first_judged", all[i].first},
                        {"first_passed", all[i].first_passed}});
    }
    return list;
}

// A code's cases: does one slot have more of them than chance, and did its units pass elsewhere?
Json follows(const std::vector<const Attempt*>& cases, const std::vector<Attempt>& attempts,
             const std::map<std::string, Slot>& slots) {
    std::map<std::string, std::int64_t> at;
    for (const Attempt* each : cases) {
        ++at[each->slot];
    }
    const auto worst = std::max_element(
        at.begin(), at.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto total = static_cast<std::int64_t>(cases.size());
    if (total >= kFewestCases &&
        beyond_chance(worst->second, slots.at(worst->first).attempts, total,
                      static_cast<std::int64_t>(attempts.size()), slots.size())) {
        std::set<std::int64_t> units;
        for (const Attempt* each : cases) {
            if (each->slot == worst->first) {
                units.insert(each->unit);
            }
        }
        std::set<std::int64_t> elsewhere;
        for (const Attempt& each : attempts) {
            if (each.outcome == "PASS" && each.slot != worst->first && units.contains(each.unit)) {
                elsewhere.insert(each.unit);
            }
        }
        return {{"what", "slot"},
                {"slot", worst->first},
                {"cases", worst->second},
                {"units", units.size()},
                {"passed_elsewhere", elsewhere.size()}};
    }
    // The same unit in several slots: it takes the fault along.
    std::map<std::int64_t, std::set<std::string>> of;
    for (const Attempt* each : cases) {
        of[each->unit].insert(each->slot);
    }
    std::int64_t taken_along = 0;
    for (const auto& [unit, seen_at] : of) {
        taken_along += seen_at.size() > 1 ? 1 : 0;
    }
    if (taken_along > 0) {
        return {{"what", "unit"}, {"units", taken_along}, {"slots", at.size()}};
    }
    return nullptr;
}

Json codes(const std::vector<Attempt>& attempts, const std::map<std::string, Slot>& slots) {
    std::map<std::pair<std::string, std::string>, std::vector<const Attempt*>> by_code;
    for (const Attempt& each : attempts) {
        if (each.outcome == "FAIL" || each.outcome == "ERROR") {
            by_code[{each.outcome, each.code}].push_back(&each);
        }
    }
    std::vector<Json> list;
    for (const auto& [key, cases] : by_code) {
        const base::CodeEntry& entry = base::code_entry(key.second);
        list.push_back({{"outcome", key.first},
                        {"code", key.second},
                        {"display_code", entry.display},
                        {"sentence", entry.sentence},
                        {"cases", cases.size()},
                        {"follows", follows(cases, attempts, slots)}});
    }
    std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
        return a["cases"].get<std::int64_t>() > b["cases"].get<std::int64_t>();
    });
    return list;
}

Json slots_json(const std::map<std::string, Slot>& slots) {
    Slot all;
    for (const auto& [label, slot] : slots) {
        all.attempts += slot.attempts;
        all.problems += slot.problems;
        all.failed += slot.failed;
    }
    Json list = Json::array();
    for (const auto& [label, slot] : slots) {
        const std::int64_t hits = slot.problems + slot.failed;
        list.push_back(
            {{"slot", label},
             {"attempts", slot.attempts},
             {"failed", slot.failed},
             {"problems", slot.problems},
             {"beyond_chance", beyond_chance(hits, slot.attempts, all.problems + all.failed,
                                             all.attempts, slots.size())}});
    }
    return list;
}

struct Times {
    std::int64_t index = 0;
    std::vector<double> seconds;
};

double at_part(const std::vector<double>& sorted, double part) {
    const auto place = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
    return sorted[std::min(place, sorted.size() - 1)];
}

// Steps of attempts that passed, on one axis of time for all, so that the long one is seen.
Result<Json> steps(Tx& tx, const NumbersAsked& asked) {
    std::map<std::string, Times> by_name;
    std::int64_t timed = 0;
    std::int64_t last = 0;
    auto read = tx.each(
        fmt::format("SELECT s.job_id, s.name, min(s.idx), sum(s.ended_ms - s.started_ms) FROM step "
                    "s WHERE s.ended_ms IS NOT NULL AND s.job_id IN (SELECT j.id FROM job j JOIN "
                    "orders o ON o.id = j.order_id WHERE{} AND j.outcome = 'PASS' ORDER BY j.id "
                    "DESC LIMIT {}) GROUP BY s.job_id, s.name ORDER BY s.job_id",
                    kWhere, kMostTimed),
        values(asked), [&](const Tx::Row& row) {
            timed += row.integer(0) != last ? 1 : 0;
            last = row.integer(0);
            Times& times = by_name[row.text(1)];
            times.index = std::max(times.index, row.integer(2));
            times.seconds.push_back(std::max(0.0, static_cast<double>(row.integer(3)) / 1000.0));
            return true;
        });
    if (!read) {
        return tl::unexpected<base::Error>(read.error());
    }
    double longest = 0;
    for (auto& [name, times] : by_name) {
        std::sort(times.seconds.begin(), times.seconds.end());
        longest = std::max(longest, at_part(times.seconds, 0.99));
    }
    const double bin_s = std::max(longest, 1.0) / static_cast<double>(kBins);
    std::vector<std::pair<std::int64_t, Json>> ordered;
    for (const auto& [name, times] : by_name) {
        std::vector<std::int64_t> bins(kBins + 1, 0);  // the last: longer than the axis
        for (const double s : times.seconds) {
            ++bins[std::min(kBins, static_cast<std::size_t>(s / bin_s))];
        }
        ordered.emplace_back(times.index, Json{{"name", name},
                                               {"n", times.seconds.size()},
                                               {"median_s", at_part(times.seconds, 0.5)},
                                               {"p90_s", at_part(times.seconds, 0.9)},
                                               {"bins", bins}});
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Json list = Json::array();
    for (auto& [index, one] : ordered) {
        list.push_back(std::move(one));
    }
    return Json{{"timed", timed}, {"bin_s", bin_s}, {"steps", std::move(list)}};
}

}  // namespace

bool beyond_chance(std::int64_t hits, std::int64_t tries, std::int64_t all_hits,
                   std::int64_t all_tries, std::size_t places) {
    if (hits < kFewestCases || places < 2 || all_tries <= tries) {
        return false;
    }
    // What the other places have, so that a bad one does not hide itself; never quite nothing.
    const double rate = std::max(static_cast<double>(all_hits - hits), 0.5) /
                        static_cast<double>(all_tries - tries);
    if (rate >= 1) {
        return false;
    }
    const auto n = static_cast<double>(tries);
    double at_least = 0;
    for (std::int64_t k = hits; k <= tries; ++k) {
        const auto x = static_cast<double>(k);
        at_least += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) +
                             x * std::log(rate) + (n - x) * std::log1p(-rate));
    }
    return at_least * static_cast<double>(places) < 0.01;
}

Result<Json> numbers(Tx& tx, const NumbersAsked& asked) {
    if (asked.until_ms <= asked.since_ms || asked.until_ms - asked.since_ms > kLongestMs) {
        return base::fail("request.invalid", "until: after since, and at most 31 days after it");
    }
    auto attempts = attempts_in(tx, asked);
    auto timed = attempts ? steps(tx, asked) : Result<Json>(Json());
    if (!attempts || !timed) {
        return tl::unexpected<base::Error>(!attempts ? attempts.error() : timed.error());
    }
    std::map<std::string, Slot> slots;
    for (const Attempt& each : *attempts) {
        Slot& slot = slots[each.slot];
        ++slot.attempts;
        slot.failed += each.outcome == "FAIL" ? 1 : 0;
        slot.problems += each.outcome == "ERROR" ? 1 : 0;
    }
    return Json{{"since", asked.since_ms},          {"until", asked.until_ms},
                {"sums", sums(*attempts)},          {"hours", hours(*attempts, asked)},
                {"codes", codes(*attempts, slots)}, {"slots", slots_json(slots)},
                {"times", std::move(*timed)}};
}

}  // namespace lineside::records
