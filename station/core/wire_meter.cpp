// SPDX-License-Identifier: Apache-2.0
#include "station/core/wire_meter.h"

#include <algorithm>
#include <cmath>

namespace lineside::core {
namespace {

constexpr double kQuiet = 60;     // seconds without a report: it does not move
constexpr double kPartly = 0.25;  // of a unit: a second in which somebody began or ended

}  // namespace

void WireMeter::begin(std::int64_t unit, double at) {
    if (units_.empty()) {
        seconds_.clear();
        first_ = static_cast<std::int64_t>(std::floor(at));
    }
    units_[unit] = {at, at, 0, 0};
}

bool WireMeter::moved(std::int64_t unit, double bytes, double at) {
    const auto found = units_.find(unit);
    if (found == units_.end() || at < found->second.told) {
        return false;
    }
    Unit& told = found->second;
    if (bytes > told.bytes && at > told.told) {
        const double from = std::max(told.told, at - kQuiet);
        spread(from, at, bytes - told.bytes);
        told.moving += at - from;
    }
    if (at > told.told) {
        told.bytes = std::max(told.bytes, bytes);
        told.told = at;
    }
    return settle(at);
}

void WireMeter::end(std::int64_t unit, bool whole, double at) {
    const auto found = units_.find(unit);
    if (found == units_.end()) {
        return;
    }
    const Unit& done = found->second;
    if (whole) {
        wire_.unit_took(done.bytes, std::max(0.0, at - done.began - done.moving));
    }
    units_.erase(found);
    (void)settle(at);
}

void WireMeter::spread(double from, double to, double bytes) {
    for (auto second = std::max(first_, static_cast<std::int64_t>(std::floor(from)));
         static_cast<double>(second) < to; ++second) {
        const auto place = static_cast<std::size_t>(second - first_);
        if (place >= seconds_.size()) {
            seconds_.resize(place + 1);
        }
        const auto begins = static_cast<double>(second);
        const double part = std::min(to, begins + 1) - std::max(from, begins);
        seconds_[place].moving += part;
        seconds_[place].bytes += bytes * part / (to - from);
    }
}

bool WireMeter::settle(double at) {
    double until = at;
    for (const auto& [id, unit] : units_) {
        if (at - unit.told <= kQuiet) {
            until = std::min(until, unit.told);
        }
    }
    bool told = false;
    while (!seconds_.empty() && static_cast<double>(first_ + 1) <= until) {
        const Second second = seconds_.front();
        seconds_.pop_front();
        ++first_;
        const double whole = std::round(second.moving);
        if (whole >= 1 && std::abs(second.moving - whole) <= kPartly) {
            wire_.carried(static_cast<int>(whole), second.bytes, 1);
            told = true;
        }
    }
    if (seconds_.empty()) {
        first_ = std::max(first_, static_cast<std::int64_t>(std::floor(until)));
    }
    return told;
}

}  // namespace lineside::core
