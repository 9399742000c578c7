// SPDX-License-Identifier: Apache-2.0
// A played wire on a virtual clock, units that take their turn at it, and somebody who says how
// many may at once.
#pragma once

#include "station/core/wire_meter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace lineside::core::testing {

struct Scene {
    std::string name;
    std::function<double(int)> shape;  // MB per second of the whole wire, while so many transfer
    int slots = 8;                     // so many units are there at once
    double setup = 15;                 // seconds before a unit transfers
    double after = 5;                  // … and behind it
    double untold = 0;                 // MB before `size` that no worker tells of
    double size = 1'500;               // MB
    double swap = 10;                  // seconds until the next is in the slot of one that ended
    double spread = 0.1;               // how much units differ
    double jitter = 0.05;              // of the wire from step to step
    double large = 1;                  // every second unit is so many times as large
    double own_most = 0;               // MB per second of one unit, give or take half; 0 = no bound
    double faults = 0;                 // of all units: broken off in the middle
    bool mute = false;                 // workers tell of no bytes at all
    bool random = false;               // units come when they like, not all at the start
    friend std::ostream& operator<<(std::ostream& out, const Scene& s) { return out << s.name; }
};

class Play {
  public:
    // `wire`: what learns from it. Its clock begins at `at`.
    Play(const Scene& scene, unsigned seed, Wire& wire)
        : scene_(scene), dice_(seed), wire_(wire), meter_(wire) {
        const double alone = scene.setup + scene.after + unit_mb() / scene.shape(1);
        step_ = alone / 60;
        for (int slot = 0; slot < scene.slots; ++slot) {
            free_.push_back(scene.random ? 3 * alone * part() : 0);
        }
    }
    // Seconds when so much was carried as each of `count` average units takes. `apart`: as the
    // wire tells, where others wait.
    std::vector<double> run(std::size_t count, const std::function<int()>& limit,
                            bool apart = false) {
        apart_ = apart;
        std::vector<double> out;
        while (out.size() < count) {
            carried_ += step(limit());
            for (; out.size() < count && carried_ >= unit_mb() * double(out.size() + 1);) {
                out.push_back(at_);
            }
        }
        return out;
    }

  private:
    struct Unit {
        std::int64_t id;
        double setup, untold, left, after, most;
        double size;
        bool fails;
        int percent = 0;
    };
    [[nodiscard]] double unit_mb() const {
        return scene_.untold + scene_.size * (1 + scene_.large) / 2;
    }
    double part() { return std::uniform_real_distribution<double>(0, 1)(dice_); }
    double about(double value, double spread) {
        return value * std::uniform_real_distribution<double>(1 - spread, 1 + spread)(dice_);
    }
    void let_in(int limit) {
        meter_.let_in(limit);
        const double apart = apart_ && limit < scene_.slots ? wire_.apart() : 0;
        while (static_cast<int>(units_.size()) < std::min(limit, scene_.slots) &&
               (units_.empty() || at_ >= last_ + apart)) {
            const auto next = std::min_element(free_.begin(), free_.end());
            if (*next > at_) {
                return;
            }
            free_.erase(next);
            const double size =
                about(scene_.size * (part() < 0.5 ? scene_.large : 1), scene_.spread);
            units_.push_back({++ids_, about(scene_.setup, scene_.spread), scene_.untold, size,
                              about(scene_.after, scene_.spread),
                              scene_.own_most > 0 ? about(scene_.own_most, 0.5)
                                                  : std::numeric_limits<double>::infinity(),
                              size, part() < scene_.faults});
            meter_.begin(ids_, at_);
            last_ = at_;
        }
    }
    double step(int limit) {
        let_in(limit);
        const auto moving = std::count_if(units_.begin(), units_.end(), [](const Unit& unit) {
            return unit.setup <= 0 && unit.left > 0;
        });
        const double each = moving == 0
                                ? 0
                                : about(scene_.shape(static_cast<int>(moving)), scene_.jitter) /
                                      static_cast<double>(moving);
        at_ += step_;
        double moved = 0;
        for (Unit& unit : units_) {
            moved += move(unit, std::min(each, unit.most) * step_);
        }
        std::erase_if(units_, [&](const Unit& unit) {
            const bool broken = unit.fails && unit.left < unit.size / 2;
            const bool done = broken || (unit.left <= 0 && unit.after <= 0);
            if (done) {
                meter_.end(unit.id, !broken, at_);
                free_.push_back(
                    at_ + (scene_.random ? -3 * scene_.swap * std::log(1 - part()) : scene_.swap));
            }
            return done;
        });
        return moved;
    }
    double move(Unit& unit, double mb) {
        if (unit.setup > 0) {
            unit.setup -= step_;
            return 0;
        }
        if (unit.untold > 0) {
            unit.untold -= mb;
            return mb;
        }
        if (unit.left <= 0) {
            unit.after -= step_;
            return 0;
        }
        const double moved = std::min(unit.left, mb);
        unit.left -= moved;
        // A tool tells of whole percents, and begins to write at a quarter of its way.
        const double written = 1 - unit.left / unit.size;
        const int percent = static_cast<int>(25 + 72 * written);
        if (percent > unit.percent) {
            unit.percent = percent;
            meter_.moved(unit.id, scene_.mute ? 0 : unit.size * 1e6 * written, percent, at_);
        }
        return moved;
    }

    const Scene& scene_;
    std::mt19937 dice_;
    Wire& wire_;
    WireMeter meter_;
    bool apart_ = false;
    double last_ = -std::numeric_limits<double>::infinity();  // when one was let in
    std::vector<Unit> units_;
    std::vector<double> free_;  // slots, from when on
    std::int64_t ids_ = 0;
    double at_ = 0;
    double step_ = 1;
    double carried_ = 0;
};

}  // namespace lineside::core::testing
