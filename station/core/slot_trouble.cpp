// SPDX-License-Identifier: Apache-2.0
#include "station/core/slot_trouble.h"

#include "station/base/codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace lineside::core {
namespace {

constexpr std::int64_t kFewestCases = 3;
constexpr std::size_t kFewestUnits = 3;
constexpr std::size_t kFewestUnknown = 5;  // where no chip id tells the units apart
constexpr double kRarely = 0.01;

constexpr std::string_view kLink = "link";
constexpr std::array<std::string_view, 7> kLinkCodes{
    "usb.left",        "usb.link",      "usb.no_device", "usb.cycle",
    "boot.no_network", "slot.flapping", "ssh.lost"};
// Station codes that one slot alone may cause; what blames the unit may always be its slot's doing.
constexpr std::array<std::string_view, 8> kOwnFaults{
    "tool.silence", "tool.no_proof",  "tool.died",      "tool.failed",
    "worker.died",  "worker.silence", "worker.timeout", "boot.back_in_recovery"};

bool has(const auto& list, std::string_view code) {
    return std::find(list.begin(), list.end(), code) != list.end();
}

bool judged(const EndedAttempt& each) {
    return each.outcome != Outcome::aborted;
}

std::string_view fault(const EndedAttempt& each) {
    return each.outcome == Outcome::fail || each.outcome == Outcome::error ? slot_fault(each.code)
                                                                           : "";
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
    return at_least * static_cast<double>(places) < kRarely;
}

Follows follows(const Attempts& cases, const Attempts& all) {
    std::map<std::string_view, std::int64_t> tries;
    for (const EndedAttempt* each : all) {
        ++tries[each->slot];
    }
    std::map<std::string_view, std::int64_t> at;
    for (const EndedAttempt* each : cases) {
        ++at[each->slot];
    }
    const auto worst = std::max_element(
        at.begin(), at.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    Follows found;
    if (worst != at.end() &&
        beyond_chance(worst->second, tries[worst->first], static_cast<std::int64_t>(cases.size()),
                      static_cast<std::int64_t>(all.size()), tries.size())) {
        std::set<std::int64_t> units;
        for (const EndedAttempt* each : cases) {
            if (each->slot == worst->first) {
                units.insert(each->unit);
            }
        }
        std::set<std::int64_t> elsewhere;
        for (const EndedAttempt* each : all) {
            if (each->outcome == Outcome::pass && each->slot != worst->first &&
                units.contains(each->unit)) {
                elsewhere.insert(each->unit);
            }
        }
        found.what = Follows::What::slot;
        found.slot = worst->first;
        found.cases = worst->second;
        found.units = static_cast<std::int64_t>(units.size());
        found.elsewhere = static_cast<std::int64_t>(elsewhere.size());
        return found;
    }
    // The same unit in several slots: it takes the fault along.
    std::map<std::int64_t, std::set<std::string_view>> of;
    for (const EndedAttempt* each : cases) {
        of[each->unit].insert(each->slot);
    }
    for (const auto& [unit, seen_at] : of) {
        found.units += seen_at.size() > 1 ? 1 : 0;
    }
    if (found.units > 0) {
        found.what = Follows::What::unit;
        found.slots = static_cast<std::int64_t>(at.size());
    }
    return found;
}

std::string_view slot_fault(std::string_view code) {
    if (code.empty()) {
        return "";
    }
    if (has(kLinkCodes, code)) {
        return kLink;
    }
    const bool own = has(kOwnFaults, code) || base::code_entry(code).kind == base::Kind::unit;
    return own ? code : "";
}

std::optional<SlotTrouble> slot_trouble(std::string_view slot, const Attempts& attempts) {
    const auto newest = std::find_if(attempts.begin(), attempts.end(), [&](const auto* each) {
        return each->slot == slot && judged(*each);
    });
    if (newest == attempts.end() || fault(**newest).empty()) {
        return std::nullopt;
    }
    const std::string_view what = fault(**newest);
    SlotTrouble found;
    found.code = (*newest)->code;
    std::set<std::int64_t> takes_along;  // units that had it in another slot, too
    std::set<std::int64_t> passed_elsewhere;
    std::int64_t seen = 0;
    for (const EndedAttempt* each : attempts) {
        if (!judged(*each)) {
            continue;
        }
        ++seen;
        if (each->slot == slot) {
            continue;
        }
        ++found.other_attempts;
        if (each->outcome == Outcome::pass) {
            ++found.other_passed;
            passed_elsewhere.insert(each->unit);
        }
        if (fault(*each) == what) {
            ++found.other_cases;
            takes_along.insert(each->unit);
        }
    }
    std::set<std::int64_t> told_apart;
    std::set<std::int64_t> units;
    bool in_a_row = true;
    for (const EndedAttempt* each : attempts) {
        if (each->slot != slot || !judged(*each)) {
            continue;
        }
        const std::string_view its = fault(*each);
        const bool case_of_it = its == what && !takes_along.contains(each->unit);
        found.attempts += 1;
        found.cases += case_of_it ? 1 : 0;
        if (case_of_it && in_a_row) {
            ++found.in_a_row;
            units.insert(each->unit);
            if (each->chip_known) {
                told_apart.insert(each->unit);
            }
        }
        // What says nothing about the slot does not end the run either.
        in_a_row = in_a_row && (its == what || (its.empty() && each->outcome != Outcome::pass));
    }
    found.units = static_cast<std::int64_t>(units.size());
    for (const std::int64_t unit : units) {
        found.passed_elsewhere += passed_elsewhere.contains(unit) ? 1 : 0;
    }
    const bool enough = told_apart.size() >= kFewestUnits || units.size() >= kFewestUnknown;
    if (!enough || found.other_passed < found.in_a_row) {
        return std::nullopt;
    }
    const double rate = std::max(static_cast<double>(found.other_cases), 0.5) /
                        static_cast<double>(found.other_attempts);
    const double by_chance = std::pow(rate, static_cast<double>(found.in_a_row));
    if (by_chance * static_cast<double>(seen) >= kRarely) {
        return std::nullopt;
    }
    return found;
}

}  // namespace lineside::core
