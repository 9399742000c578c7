// SPDX-License-Identifier: Apache-2.0
#include "station/engine/wire_book.h"

#include "station/base/log.h"
#include "station/core/schedule.h"

#include <limits>

namespace lineside::engine {
namespace {

double seconds(std::int64_t mono_ns) {
    return static_cast<double>(mono_ns) / 1e9;
}

}  // namespace

base::Status WireBook::load(db::Tx& tx) {
    auto read = tx.each("SELECT wire, load FROM wire_load", {}, [this](const auto& row) {
        if (const auto wire = core::Wire::from_text(row.text(1))) {
            known(row.text(0)).wire = *wire;
        }
        return true;
    });
    return read ? base::Status() : tl::unexpected<base::Error>(read.error());
}

int WireBook::limit(const std::string& wire, int most) {
    Known& here = known(wire);
    const int units = here.wire.limit(most);
    here.meter.let_in(units);
    return units;
}

std::int64_t WireBook::Known::next_mono_ns() const {
    return last_mono_ns ? *last_mono_ns + static_cast<std::int64_t>(wire.apart() * 1e9)
                        : std::numeric_limits<std::int64_t>::min();
}

int WireBook::more(const std::string& wire, std::int64_t mono_ns) {
    const Known& here = known(wire);
    if (here.wire.apart() <= 0) {
        return std::numeric_limits<int>::max();
    }
    return mono_ns < here.next_mono_ns() ? 0 : 1;
}

void WireBook::let_in(const std::string& root_port, std::int64_t mono_ns) {
    for (const std::string& wire : {root_port, core::controller_of(root_port)}) {
        known(wire).last_mono_ns = mono_ns;
    }
}

std::optional<std::chrono::nanoseconds> WireBook::rests(std::int64_t mono_ns) const {
    std::optional<std::chrono::nanoseconds> out;
    for (const auto& [wire, here] : wires_) {
        const std::chrono::nanoseconds left(
            here->next_mono_ns() > mono_ns ? here->next_mono_ns() - mono_ns : 0);
        if (left.count() > 0 && (!out || left < *out)) {
            out = left;
        }
    }
    return out;
}

WireBook::Known& WireBook::known(const std::string& wire) {
    auto& place = wires_[wire];
    if (!place) {
        place = std::make_unique<Known>();
    }
    return *place;
}

void WireBook::begin(base::JobId job, const std::string& root_port, std::int64_t mono_ns) {
    const auto [place, is_new] =
        jobs_.try_emplace(job, std::array{root_port, core::controller_of(root_port)});
    if (is_new) {
        for (const std::string& wire : place->second) {
            known(wire).meter.begin(job.value, seconds(mono_ns));
        }
    }
}

void WireBook::moved(base::JobId job, std::uint64_t bytes, int percent, std::int64_t mono_ns) {
    const auto found = jobs_.find(job);
    if (found != jobs_.end()) {
        for (const std::string& wire : found->second) {
            known(wire).meter.moved(job.value, static_cast<double>(bytes), percent,
                                    seconds(mono_ns));
        }
    }
}

void WireBook::end(base::JobId job, bool whole, std::int64_t mono_ns) {
    const auto found = jobs_.find(job);
    if (found == jobs_.end()) {
        return;
    }
    for (const std::string& wire : found->second) {
        known(wire).meter.end(job.value, whole, seconds(mono_ns));
        if (whole) {
            keep(wire);
        }
    }
    jobs_.erase(found);
}

void WireBook::keep(const std::string& wire) {
    store_.write<bool>(
        [wire, text = known(wire).wire.to_text()](db::Tx& tx) -> base::Result<bool> {
            auto done = tx.run(
                "INSERT INTO wire_load (wire, load) VALUES (?1, ?2) "
                "ON CONFLICT (wire) DO UPDATE SET load = excluded.load",
                wire, text);
            return done ? base::Result<bool>(true) : tl::unexpected<base::Error>(done.error());
        },
        [](const base::Result<bool>& written) {
            if (!written) {
                base::log_warning("what a wire carries is not kept: {}", written.error().message);
            }
        });
}

}  // namespace lineside::engine
