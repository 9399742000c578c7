// SPDX-License-Identifier: Apache-2.0
#include "station/core/bandwidth.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace lineside::core {
namespace {

constexpr int kMost = 512;
constexpr double kEnough = 0.4;    // units, of those at once, that make a number known …
constexpr double kFewest = 2;      // … but not fewer
constexpr double kRemembered = 4;  // times as many units as are at once …
constexpr double kAtLeast = 16;    // … but not fewer
constexpr double kNewest = 0.2;    // what the last unit counts in what one takes
constexpr double kApart = 0.25;    // of what a unit takes of the wire's time …
constexpr double kApartMost = 30;  // … but not more seconds
constexpr int kTryAnother = 300;   // units after which another number is tried

std::optional<double> number_of(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool good = !text.empty() && end == text.c_str() + text.size() && std::isfinite(value);
    return good && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

void Wire::Load::add(int at_once, double work_more, double seconds_more) {
    work += work_more;
    seconds += seconds_more;
    units += 1;
    const double keep = std::min(1.0, std::max(kAtLeast, kRemembered * at_once) / units);
    *this = {work * keep, seconds * keep, units * keep};
}

void Wire::life(int units, double bytes, double seconds) {
    if (units < 1 || units > kMost || seconds <= 0) {
        return;
    }
    if (bytes > 0) {
        if (unit_ <= 0) {
            lives_.clear();  // what was counted in units so far
        }
        unit_ += (unit_ > 0 ? kNewest : 1) * (bytes - unit_);
    }
    const double instead = unit_ > 0 ? unit_ : 1;
    lives_[units].add(units, bytes > 0 ? bytes : instead, seconds);
    ++since_;
}

void Wire::first_part(int units, double seconds) {
    if (units >= 1 && units <= kMost && seconds > 0) {
        first_parts_[units].add(units, 1, seconds);
    }
}

// What only the first parts tell of is put in proportion by the numbers that both tell of.
Rates Wire::known() const {
    const auto enough = [](int units, const Load& load) {
        return load.units >= std::max(kFewest, std::ceil(kEnough * units));
    };
    Rates out;
    double whole = 0;
    double first = 0;
    for (const auto& [units, load] : lives_) {
        if (enough(units, load)) {
            out[units] = {load.rate(), true};
            if (const auto same = first_parts_.find(units); same != first_parts_.end()) {
                whole += load.rate();
                first += same->second.rate();
            }
        }
    }
    if (!out.empty() && first <= 0) {
        return out;
    }
    const double scale = out.empty() ? 1 : whole / first;
    for (const auto& [units, load] : first_parts_) {
        if (enough(units, load)) {
            out.try_emplace(units, Carried{load.rate() * scale, false});
        }
    }
    return out;
}

int Wire::limit(int most) {
    most = std::clamp(most, 1, kMost);
    Rates rates = known();
    Level level = next_level(rates, most);
    if (trying_ > 0) {
        const auto tried = rates.find(trying_);
        if (trying_ <= most && (tried == rates.end() || !tried->second.sure)) {
            return trying_;
        }
        trying_ = 0;
    }
    if (level.found && since_ >= kTryAnother) {
        try_another(level, most);
    }
    return trying_ > 0 ? trying_ : level.units;
}

// A wire that became better or worse shows itself only with others: more and fewer, in turns. What
// was known on that side of the best is forgotten, so that all of it may be found anew.
void Wire::try_another(const Level& level, int most) {
    since_ = 0;
    more_ = !more_;
    const int step = std::max(1, level.units / 8);
    const int other = more_ ? std::min(most, level.units + step) : level.units - step;
    if (other < 1 || other == level.units) {
        return;
    }
    trying_ = other;
    for (Loads* loads : {&lives_, &first_parts_}) {
        std::erase_if(*loads, [&](const auto& each) {
            return more_ ? each.first > level.units : each.first < level.units;
        });
    }
}

double Wire::apart() const {
    Load all;
    for (const auto& [units, load] : lives_) {
        all.seconds += load.seconds;
        all.units += load.units;
    }
    return all.units > 0 ? std::min(kApartMost, kApart * all.seconds / all.units) : 0;
}

std::optional<double> Wire::rate(int units) const {
    const auto rates = known();
    const auto found = rates.find(units);
    return found == rates.end() || !found->second.sure ? std::nullopt
                                                       : std::optional(found->second.rate);
}

std::string Wire::to_text() const {
    std::string text = fmt::format("w2 {:.0f} {} {}", unit_, since_, more_ ? 1 : 0);
    for (const auto* loads : {&lives_, &first_parts_}) {
        for (const auto& [units, load] : *loads) {
            text += fmt::format(" {} {} {:.2f} {:.3f} {:.3f}", loads == &lives_ ? 1 : 0, units,
                                load.work, load.seconds, load.units);
        }
    }
    return text;
}

std::optional<Wire> Wire::from_text(std::string_view text) {
    const auto words = base::split(text, ' ');
    if (words.size() % 5 != 4 || words[0] != "w2") {
        return std::nullopt;
    }
    std::vector<double> numbers;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto number = number_of(std::string(words[i]));
        if (!number) {
            return std::nullopt;
        }
        numbers.push_back(*number);
    }
    Wire wire;
    wire.unit_ = numbers[0];
    wire.since_ = static_cast<int>(std::min<double>(numbers[1], kTryAnother));
    wire.more_ = numbers[2] > 0;
    for (std::size_t i = 3; i < numbers.size(); i += 5) {
        const double units = numbers[i + 1];
        const Load load{numbers[i + 2], numbers[i + 3], numbers[i + 4]};
        if (units < 1 || units > kMost || load.work <= 0 || load.seconds <= 0 || load.units <= 0) {
            return std::nullopt;
        }
        (numbers[i] > 0 ? wire.lives_ : wire.first_parts_)[static_cast<int>(units)] = load;
    }
    return wire;
}

}  // namespace lineside::core
