// SPDX-License-Identifier: Apache-2.0
#include "station/core/wire_meter.h"

#include <algorithm>
#include <cmath>

namespace lineside::core {
namespace {

constexpr int kFirstPart = 50;       // percent of its way: well into what moves data
constexpr double kNearlyAll = 0.8;   // of its life
constexpr double kNearlyFull = 0.8;  // of those let in: the next one takes a moment to come
constexpr double kNearlySame = 0.2;  // of a number: so much more or less is no other one

}  // namespace

void WireMeter::pass(double at) {
    const double time = at - now_;
    if (time <= 0) {
        return;
    }
    const auto units = static_cast<int>(units_.size());
    for (auto& [id, unit] : units_) {
        unit.part += time / units;
        unit.with[units] += time;
    }
    now_ = at;
}

void WireMeter::begin(std::int64_t unit, double at) {
    pass(at);
    now_ = std::max(now_, at);
    units_[unit] = Unit{allowed_, at};
}

int WireMeter::at_once(const Unit& unit, double life) {
    const double mean = life / unit.part;
    const int units = mean >= kNearlyFull * unit.allowed
                          ? std::max(1, unit.allowed)
                          : std::max(1, static_cast<int>(std::lround(mean)));
    double held = 0;
    for (const auto& [others, seconds] : unit.with) {
        held += std::abs(others - units) <= kNearlySame * units ? seconds : 0;
    }
    return held >= kNearlyAll * life ? units : 0;
}

void WireMeter::moved(std::int64_t unit, double bytes, int percent, double at) {
    const auto found = units_.find(unit);
    if (found == units_.end()) {
        return;
    }
    Unit& told = found->second;
    told.bytes = std::max(told.bytes, bytes);
    if (percent >= kFirstPart && !told.first_part_told) {
        told.first_part_told = true;
        pass(at);
        if (told.part > 0) {
            wire_.first_part(at_once(told, now_ - told.began), told.part);
        }
    }
}

void WireMeter::end(std::int64_t unit, bool whole, double at) {
    const auto found = units_.find(unit);
    if (found == units_.end()) {
        return;
    }
    pass(at);
    const Unit done = found->second;
    units_.erase(found);
    if (whole && done.part > 0) {
        wire_.life(at_once(done, now_ - done.began), done.bytes, done.part);
    }
}

}  // namespace lineside::core
