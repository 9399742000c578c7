// SPDX-License-Identifier: Apache-2.0
#include "station/core/level_search.h"

#include <algorithm>
#include <cmath>

namespace lineside::core {
namespace {

constexpr int kFirst = 2;         // a bad hub costs little with two, and one is found from there
constexpr double kGrows = 0.3;    // of what an empty wire would gain by as many more
constexpr double kBetter = 1.02;  // of the best: worth a try
constexpr double kNearlyBest = 0.99;  // of the best: more would only slow the others
constexpr double kDoubt = 1.1;        // what a rate that is not sure may be off

using At = Rates::const_iterator;

// What the last step up to here brought, of what it would have on an empty wire.
double growth(const Rates& rates, At at) {
    if (at == rates.begin()) {
        return 1;  // of one number alone nothing else is known
    }
    const auto& [before, had] = *std::prev(at);
    const double units = static_cast<double>(at->first) / before - 1;
    return std::clamp((at->second.rate / had.rate - 1) / units, 0.0, 1.0);
}

// Whether one between `above` and the known number below it could carry so much, when each further
// unit brings no more than the one before it did.
bool may_hide(const Rates& rates, At above, double rate) {
    if (above == rates.begin()) {
        return above->first > 1;
    }
    const At below = std::prev(above);
    const double each = growth(rates, below) * below->second.rate / below->first;
    const int others = above->first - below->first - 1;
    return others > 0 && below->second.rate + each * others >= rate;
}

int between(const Rates& rates, At above) {
    return ((above == rates.begin() ? 0 : std::prev(above)->first) + above->first) / 2;
}

// The best and its neighbours have to be sure, as soon as anything is.
int doubtful(const Rates& rates, At best) {
    if (std::none_of(rates.begin(), rates.end(), [](const auto& r) { return r.second.sure; })) {
        return 0;
    }
    const auto doubted = [&](At at) {
        return at != rates.end() && !at->second.sure &&
               at->second.rate * kDoubt >= best->second.rate;
    };
    for (const At at :
         {best, best == rates.begin() ? rates.end() : std::prev(best), std::next(best)}) {
        if (doubted(at)) {
            return at->first;
        }
    }
    return 0;
}

}  // namespace

Level next_level(const Rates& all, int most) {
    const Rates rates(all.begin(), all.upper_bound(most));
    if (rates.empty()) {
        return {std::min(kFirst, most), false};
    }
    const auto best = std::max_element(
        rates.begin(), rates.end(),
        [](const auto& a, const auto& b) { return a.second.rate < b.second.rate; });
    if (const int units = doubtful(rates, best)) {
        return {units, false};
    }
    const auto next = std::next(best);
    if (const double grew = growth(rates, best);
        next == rates.end() && best->first < most && grew >= kGrows) {
        const int more = std::max(1, static_cast<int>(std::lround(grew * best->first)));
        return {std::min(most, best->first + more), false};
    }
    for (const At above : {next, At(best)}) {
        if (above != rates.end() && may_hide(rates, above, kBetter * best->second.rate)) {
            return {between(rates, above), false};
        }
    }
    const auto fewest = std::find_if(rates.begin(), rates.end(), [&](const auto& each) {
        return each.second.rate >= kNearlyBest * best->second.rate;
    });
    if (may_hide(rates, fewest, kNearlyBest * best->second.rate)) {
        return {between(rates, fewest), false};
    }
    return {fewest->first, true};
}

}  // namespace lineside::core
