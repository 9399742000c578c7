// SPDX-License-Identifier: Apache-2.0
#include "station/core/bandwidth.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace lineside::core {
namespace {

constexpr double kNearlyBest = 0.985;  // of the best rate: one unit more only slows the others
constexpr double kShortest = 8;        // seconds of a number of units that say something
constexpr double kRemembered = 900;    // seconds that count of each number
constexpr double kCompared = 60;       // seconds after which what is so is held against what was
constexpr double kChanged = 0.35;      // so much off what was known: the wire is not what it was
constexpr double kNewest = 0.2;        // what the last unit counts in what one takes
constexpr double kGrows = 0.5;         // of what as many units more would bring on an empty wire
constexpr double kProbeEvery = 7'200;  // busy seconds after which one more is tried …
constexpr double kProbe = 300;         // … for so many
constexpr int kFewest = 8;             // with nothing known
constexpr int kMost = 512;

std::optional<double> number_of(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool good = !text.empty() && end == text.c_str() + text.size() && std::isfinite(value);
    return good && value >= 0 ? std::optional(value) : std::nullopt;
}

// Bytes per second while `moving` units move data. Between two numbers that were seen on the line
// between them, below on the line to nothing: a wire bends the other way, so fewer units are never
// thought better of than they are. Above as the last two say.
double rate_at(const std::map<int, double>& rates, int moving) {
    const auto above = rates.lower_bound(moving);
    if (above == rates.end()) {
        const auto last = std::prev(above);
        const double alone = last->second / last->first;
        double slope = alone;  // one number alone says nothing of a bend
        if (last != rates.begin()) {
            const auto before = std::prev(last);
            slope = (last->second - before->second) / (last->first - before->first);
        }
        return std::max(last->second * 0.01,
                        last->second + (moving - last->first) * std::clamp(slope, -alone, alone));
    }
    if (above->first == moving) {
        return above->second;
    }
    const int low = above == rates.begin() ? 0 : std::prev(above)->first;
    const double from = above == rates.begin() ? 0 : std::prev(above)->second;
    return from + (above->second - from) * (moving - low) / (above->first - low);
}

}  // namespace

void Wire::carried(int moving, double bytes, double seconds) {
    if (moving < 1 || moving > kMost || seconds <= 0 || bytes < 0) {
        return;
    }
    busy_ += seconds;
    Seen& seen = seen_[moving];
    for (Load* load : {&seen.load, &seen.lately}) {
        load->bytes += bytes;
        load->seconds += seconds;
    }
    if (seen.lately.seconds >= kCompared) {
        compare(moving, seen);
    }
}

void Wire::compare(int moving, Seen& seen) {
    const Load before{seen.load.bytes - seen.lately.bytes, seen.load.seconds - seen.lately.seconds};
    if (before.seconds >= kCompared) {
        const double now = seen.lately.bytes / seen.lately.seconds;
        const double then = before.bytes / before.seconds;
        if (std::abs(now - then) > kChanged * std::max(now, then)) {
            const Load fresh = seen.lately;
            seen_.clear();
            seen_[moving] = {fresh, {}};
            return;
        }
    }
    seen.lately = {};
    if (seen.load.seconds > kRemembered) {  // newer counts more
        seen.load.bytes *= kRemembered / seen.load.seconds;
        seen.load.seconds = kRemembered;
    }
}

void Wire::unit_took(double bytes, double idle_seconds) {
    mute_ = bytes <= 0;
    if (mute_ || idle_seconds < 0) {
        return;
    }
    const double part = bytes_ > 0 ? kNewest : 1;
    bytes_ += part * (bytes - bytes_);
    idle_ += part * (idle_seconds - idle_);
}

std::map<int, double> Wire::known() const {
    std::map<int, double> out;
    for (const auto& [moving, seen] : seen_) {
        if (seen.load.seconds >= kShortest && seen.load.bytes > 0) {
            out.emplace(moving, seen.load.bytes / seen.load.seconds);
        }
    }
    return out;
}

// Units that take turns at a wire which serves all that are there at once, and are away from it for
// `idle_` between: of so many, how many are there? That has a closed answer (a closed network of a
// delay and a shared server whose speed depends on the number there).
std::vector<double> Wire::expected(const std::map<int, double>& rates, int most) const {
    std::vector<double> log_work{0};  // of the time that the units at the wire take, one by one
    for (int moving = 1; moving <= most; ++moving) {
        log_work.push_back(log_work.back() + std::log(bytes_ / rate_at(rates, moving)));
    }
    std::vector<double> out{0};
    const double log_idle = idle_ > 0 ? std::log(idle_) : -std::numeric_limits<double>::infinity();
    std::vector<double> weight(static_cast<std::size_t>(most) + 1);
    double log_before = 0;  // of the sum for one unit less
    for (int units = 1; units <= most; ++units) {
        double highest = -std::numeric_limits<double>::infinity();
        for (int moving = 0; moving <= units; ++moving) {
            const int away = units - moving;
            auto& each = weight[static_cast<std::size_t>(moving)];
            each = log_work[static_cast<std::size_t>(moving)] +
                   (away == 0 ? 0 : away * log_idle - std::lgamma(away + 1.0));
            highest = std::max(highest, each);
        }
        double sum = 0;
        for (int moving = 0; moving <= units; ++moving) {
            sum += std::exp(weight[static_cast<std::size_t>(moving)] - highest);
        }
        const double log_now = highest + std::log(sum);
        out.push_back(std::exp(log_before - log_now) * bytes_);
        log_before = log_now;
    }
    return out;
}

int Wire::limit(int most) const {
    most = std::clamp(most, 1, kMost);
    const int first = std::min(most, std::max(kFewest, most / 2));
    const auto rates = known();
    if (rates.empty()) {
        return mute_ ? most : first;
    }
    // What was never seen is not thought of much further than what was.
    const auto last = std::prev(rates.end());
    const bool grows = last != rates.begin() &&
                       last->second / std::prev(last)->second - 1 >=
                           kGrows * (static_cast<double>(last->first) / std::prev(last)->first - 1);
    const int reach =
        std::clamp(last->first + std::max(1, grows ? last->first : last->first / 4), first, most);
    if (bytes_ <= 0) {  // no unit has come to its end: whether more bring more is all that is known
        const bool falls = last != rates.begin() && last->second < std::prev(last)->second;
        return falls ? std::min(first, reach) : reach;
    }
    const auto carry = expected(rates, reach);
    const double best = *std::max_element(carry.begin(), carry.end());
    const auto fewest = std::find_if(carry.begin() + 1, carry.end(),
                                     [&](double each) { return each >= kNearlyBest * best; });
    const int chosen = static_cast<int>(fewest - carry.begin());
    // A better hub shows itself only with more units at it.
    const bool probe = busy_ >= kProbeEvery && std::fmod(busy_, kProbeEvery) < kProbe;
    return std::min(most, chosen + (probe ? 1 : 0));
}

std::optional<double> Wire::rate(int moving) const {
    const auto rates = known();
    const auto found = rates.find(moving);
    return found == rates.end() ? std::nullopt : std::optional(found->second);
}

std::string Wire::to_text() const {
    std::string text = fmt::format("{:.0f} {:.1f}", bytes_, idle_);
    for (const auto& [moving, seen] : seen_) {
        text += fmt::format(" {} {:.1f} {:.0f}", moving, seen.load.seconds, seen.load.bytes);
    }
    return text;
}

std::optional<Wire> Wire::from_text(std::string_view text) {
    const auto words = base::split(text, ' ');
    if (words.size() % 3 != 2) {
        return std::nullopt;
    }
    Wire wire;
    const auto bytes_of_one = number_of(std::string(words[0]));
    const auto idle = number_of(std::string(words[1]));
    if (!bytes_of_one || !idle) {
        return std::nullopt;
    }
    wire.bytes_ = *bytes_of_one;
    wire.idle_ = *idle;
    for (std::size_t i = 2; i < words.size(); i += 3) {
        const auto moving = base::to_int(words[i]);
        const auto seconds = number_of(std::string(words[i + 1]));
        const auto bytes = number_of(std::string(words[i + 2]));
        if (!moving || *moving < 1 || *moving > kMost || !seconds || !bytes) {
            return std::nullopt;
        }
        wire.seen_[static_cast<int>(*moving)] = {{*bytes, *seconds}, {}};
    }
    return wire;
}

}  // namespace lineside::core
