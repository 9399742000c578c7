// SPDX-License-Identifier: Apache-2.0
#include "station/core/bandwidth.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace lineside::core {
namespace {

constexpr double kNearlyBest = 0.985;  // of the best rate: one unit more only slows the others
constexpr double kShortest = 60;       // seconds: a look that is shorter says too little
constexpr double kRemembered = 1'800;  // seconds that count of each number of units
constexpr double kStale = 7'200;       // busy seconds after which a neighbour is looked at anew
constexpr double kChanged = 0.35;      // so much off what was known: the wire is not what it was
constexpr double kNewest = 0.2;        // what the last unit counts in how long one takes
constexpr double kGrows = 0.7;         // of what as many units more would bring on an empty wire
constexpr int kFirst = 2;              // with nothing known
constexpr int kMost = 512;

std::optional<double> number_of(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool good = !text.empty() && end == text.c_str() + text.size() && std::isfinite(value);
    return good && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

double Wire::needed() const {
    return std::max(kShortest, took_);
}

void Wire::carried(int units, double bytes, double seconds) {
    if (units < 1 || units > kMost || seconds <= 0 || bytes < 0) {
        return;
    }
    busy_ += seconds;
    Seen& seen = seen_[units];
    if (!fresh(units) && seen.known) {  // it may have changed since: what is seen now counts alone
        seen = {};
    }
    seen.at = busy_;
    for (Load* load : {&seen.load, &seen.lately}) {
        load->bytes += bytes;
        load->seconds += seconds;
    }
    // A unit's time as it is now: one that takes long because there are too many must not make
    // unknown what is known.
    if (took_ > 0 && seen.lately.seconds >= needed()) {
        compare(seen);
    }
    if (const double most = std::max(kRemembered, 2 * took_); seen.load.seconds > most) {
        seen.load.bytes *= most / seen.load.seconds;  // newer counts more
        seen.load.seconds = most;
    }
}

void Wire::compare(Seen& seen) {
    const Load before{seen.load.bytes - seen.lately.bytes, seen.load.seconds - seen.lately.seconds};
    const double now = seen.lately.bytes / seen.lately.seconds;
    if (seen.known && before.seconds > 0) {
        const double then = before.bytes / before.seconds;
        if (std::abs(now - then) > kChanged * std::max(now, then)) {
            seen.load = seen.lately;
            valid_from_ = busy_;
        }
    }
    seen.known = true;
    seen.lately = {};
}

bool Wire::fresh(int units) const {
    const auto found = seen_.find(units);
    return found != seen_.end() && found->second.known && found->second.at >= valid_from_ &&
           busy_ - found->second.at <= kStale;
}

void Wire::unit_took(double seconds) {
    if (seconds > 0) {
        took_ = took_ > 0 ? (1 - kNewest) * took_ + kNewest * seconds : seconds;
    }
}

std::map<int, double> Wire::known(int most) const {
    std::map<int, double> out;
    for (const auto& [units, seen] : seen_) {
        if (units <= most && seen.known && seen.load.bytes > 0) {
            out.emplace(units, seen.load.bytes / seen.load.seconds);
        }
    }
    return out;
}

int Wire::limit(int most) const {
    const auto rates = known(most);
    if (rates.empty()) {
        return std::clamp(kFirst, 1, most);
    }
    const double best = std::max_element(rates.begin(), rates.end(), [](auto& a, auto& b) {
                            return a.second < b.second;
                        })->second;
    const auto fewest = std::find_if(rates.begin(), rates.end(), [&](const auto& each) {
        return each.second >= kNearlyBest * best;
    });
    const int chosen = fewest->first;
    const auto above = std::next(fewest);
    const int below = fewest == rates.begin() ? 0 : std::prev(fewest)->first;
    if (above == rates.end()) {  // it still grows: in great steps where it does as on an empty wire
        const double grew = below == 0 ? 1
                                       : (fewest->second / std::prev(fewest)->second - 1) /
                                             (static_cast<double>(chosen) / below - 1);
        return std::min(most, chosen + (grew >= kGrows ? std::max(1, chosen / 2) : 1));
    }
    if (above->first > chosen + 1) {  // the best may lie in between
        return chosen + (above->first - chosen) / 2;
    }
    if (!fresh(chosen + 1)) {
        return chosen + 1;
    }
    if (below < chosen - 1) {  // perhaps fewer will do, each of them quicker
        return below + (chosen - below + 1) / 2;
    }
    if (below > 0 && !fresh(below)) {
        return below;
    }
    return chosen;
}

bool Wire::settled(int most) const {
    const int now = limit(most);
    return rate(now).has_value() && (now == most || rate(now + 1).has_value());
}

std::optional<double> Wire::rate(int units) const {
    const auto rates = known(units);
    const auto found = rates.find(units);
    return found == rates.end() ? std::nullopt : std::optional(found->second);
}

std::string Wire::to_text() const {
    std::string text = fmt::format("{:.1f}", took_);
    for (const auto& [units, seen] : seen_) {
        if (seen.known) {
            text += fmt::format(" {} {:.1f} {:.0f}", units, seen.load.seconds, seen.load.bytes);
        }
    }
    return text;
}

std::optional<Wire> Wire::from_text(std::string_view text) {
    const auto words = base::split(text, ' ');
    if (words.size() % 3 != 1) {
        return std::nullopt;
    }
    Wire wire;
    const auto took = number_of(std::string(words[0]));
    if (!took) {
        return std::nullopt;
    }
    wire.took_ = *took;
    for (std::size_t i = 1; i < words.size(); i += 3) {
        const auto units = base::to_int(words[i]);
        const auto seconds = number_of(std::string(words[i + 1]));
        const auto bytes = number_of(std::string(words[i + 2]));
        if (!units || *units < 1 || *units > kMost || !seconds || !bytes) {
            return std::nullopt;
        }
        wire.seen_[static_cast<int>(*units)] = {{*bytes, *seconds}, {}, 0, true};
    }
    return wire;
}

void Meter::units(int count, double at) {
    if (count != count_) {
        look(at);
        count_ = count;
        since_ = at;
        bytes_ = 0;
    }
}

bool Meter::look(double at) {
    const double seconds = at - since_;
    const bool something = count_ > 0 && seconds > 0;
    if (something) {
        wire_.carried(count_, bytes_, seconds);
    }
    since_ = at;
    bytes_ = 0;
    return something;
}

}  // namespace lineside::core
