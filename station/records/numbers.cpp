// SPDX-License-Identifier: Apache-2.0
#include "station/records/numbers.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace lineside::records {
namespace {

using base::Json;
using base::Result;
using core::Outcome;
using db::Tx;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kBins = 60;

// So long was the line at work in the stretch, in seconds.
double at_work_s(const std::vector<Attempt>& attempts, const StretchAsked& asked) {
    std::vector<std::pair<std::int64_t, std::int64_t>> spans;
    spans.reserve(attempts.size());
    for (const Attempt& each : attempts) {
        spans.emplace_back(std::max(each.started_ms, asked.since_ms), each.ended_ms);
    }
    std::sort(spans.begin(), spans.end());
    std::int64_t sum = 0;
    std::int64_t until = asked.since_ms - kBreakMs;  // nothing before the first one counts
    for (const auto& [from, to] : spans) {
        const std::int64_t begin = from - until < kBreakMs ? until : from;
        sum += std::max<std::int64_t>(0, to - std::max(begin, until));
        until = std::max(until, to);
    }
    return static_cast<double>(sum) / 1000;
}

Json sums(const std::vector<Attempt>& attempts, const StretchAsked& asked) {
    std::set<std::int64_t> made;
    std::set<std::int64_t> failed_first;
    std::set<std::int64_t> recovered;
    std::int64_t first = 0;
    std::int64_t first_passed = 0;
    std::map<std::string, std::int64_t> by_outcome{
        {"PASS", 0}, {"FAIL", 0}, {"ERROR", 0}, {"ABORTED", 0}};
    for (const Attempt& each : attempts) {
        ++by_outcome[std::string(core::to_text(each.outcome))];
        first += each.first_judged ? 1 : 0;
        first_passed += each.first_judged && each.outcome == Outcome::pass ? 1 : 0;
        if (each.outcome == Outcome::fail) {
            failed_first.insert(each.unit);
        }
        if (each.outcome == Outcome::pass) {
            made.insert(each.unit);
            if (failed_first.contains(each.unit)) {
                recovered.insert(each.unit);
            }
        }
    }
    return {{"made", made.size()},
            {"attempts", attempts.size()},
            {"at_work_s", at_work_s(attempts, asked)},
            {"outcomes", by_outcome},
            {"first_judged", first},
            {"first_passed", first_passed},
            {"failed_units", failed_first.size()},
            {"passed_after_fail", recovered.size()}};
}

Json hours(const std::vector<Attempt>& attempts, const StretchAsked& asked) {
    struct Hour {
        std::set<std::int64_t> made;
        std::int64_t first = 0, first_passed = 0;
    };
    const auto count =
        static_cast<std::size_t>((asked.until_ms - asked.since_ms + kHourMs - 1) / kHourMs);
    std::vector<Hour> all(count);
    for (const Attempt& each : attempts) {
        Hour& hour = all[static_cast<std::size_t>((each.ended_ms - asked.since_ms) / kHourMs)];
        if (each.outcome == Outcome::pass) {
            hour.made.insert(each.unit);
        }
        hour.first += each.first_judged ? 1 : 0;
        hour.first_passed += each.first_judged && each.outcome == Outcome::pass ? 1 : 0;
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
Json follows_json(const core::Attempts& cases, const core::Attempts& all) {
    const core::Follows found = core::follows(cases, all);
    switch (found.what) {
        case core::Follows::What::slot:
            return {{"what", "slot"},
                    {"slot", found.slot},
                    {"cases", found.cases},
                    {"units", found.units},
                    {"passed_elsewhere", found.elsewhere}};
        case core::Follows::What::unit:
            return {{"what", "unit"}, {"units", found.units}, {"slots", found.slots}};
        case core::Follows::What::neither:
            break;
    }
    return nullptr;
}

Json codes(const std::vector<Attempt>& attempts) {
    const core::Attempts all = pointers(attempts);
    std::map<std::pair<std::string, std::string>, core::Attempts> by_code;
    for (const Attempt& each : attempts) {
        if (each.outcome == Outcome::fail || each.outcome == Outcome::error) {
            by_code[{std::string(core::to_text(each.outcome)), each.code}].push_back(&each);
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
                        {"follows", follows_json(cases, all)}});
    }
    std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
        return a["cases"].get<std::int64_t>() > b["cases"].get<std::int64_t>();
    });
    return list;
}

Json slots_json(const std::map<std::string, SlotCounts>& slots) {
    SlotCounts all;
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
             {"beyond_chance", core::beyond_chance(hits, slot.attempts, all.problems + all.failed,
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
Result<Json> steps(Tx& tx, const StretchAsked& asked) {
    std::map<std::string, Times> by_name;
    std::int64_t timed = 0;
    std::int64_t last = 0;
    auto read = tx.each(
        fmt::format("SELECT s.job_id, s.name, min(s.idx), sum(s.ended_ms - s.started_ms) FROM step "
                    "s WHERE s.ended_ms IS NOT NULL AND s.job_id IN (SELECT j.id FROM job j JOIN "
                    "orders o ON o.id = j.order_id WHERE{} AND j.outcome = 'PASS' ORDER BY j.id "
                    "DESC LIMIT {}) GROUP BY s.job_id, s.name ORDER BY s.job_id",
                    in_stretch(asked), kMostTimed),
        stretch_values(asked), [&](const Tx::Row& row) {
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

Result<Json> numbers(Tx& tx, const StretchAsked& asked) {
    auto attempts = attempts_in(tx, asked);
    auto timed = attempts ? steps(tx, asked) : Result<Json>(Json());
    if (!attempts || !timed) {
        return tl::unexpected<base::Error>(!attempts ? attempts.error() : timed.error());
    }
    std::map<std::string, SlotCounts> slots;
    for (const Attempt& each : *attempts) {
        SlotCounts& slot = slots[each.slot];
        ++slot.attempts;
        slot.failed += each.outcome == Outcome::fail ? 1 : 0;
        slot.problems += each.outcome == Outcome::error ? 1 : 0;
    }
    return Json{{"since", asked.since_ms},        {"until", asked.until_ms},
                {"sums", sums(*attempts, asked)}, {"hours", hours(*attempts, asked)},
                {"codes", codes(*attempts)},      {"slots", slots_json(slots)},
                {"times", std::move(*timed)}};
}

}  // namespace lineside::records
