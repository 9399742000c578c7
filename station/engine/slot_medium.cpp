// SPDX-License-Identifier: Apache-2.0
// A slot whose unit is a disk: the medium that comes and goes in a reader, or a disk that is
// plugged in. Where it is one that orders are made of, it is the unit; its reader alone is none.
#include "station/engine/slot_run.h"

#include <algorithm>

namespace lineside::engine {

using core::JobState;

void SlotActor::disk_arrived(const usb::Disk& disk, bool at_start) {
    disks_[disk.name] = disk;
    disks_changed(at_start);
}

void SlotActor::disk_left(const std::string& name) {
    disks_.erase(name);
    disks_changed(false);
}

int SlotActor::media() const {
    return static_cast<int>(std::count_if(disks_.begin(), disks_.end(),
                                          [](const auto& each) { return each.second.bytes > 0; }));
}

bool SlotActor::works_on_disk() const {
    return run_ && run_->profile != nullptr && run_->profile->disk;
}

bool SlotActor::shows_cards() const {
    return device_ && context_.models.of_disk(device_->vendor, device_->product) != nullptr;
}

// A reader without a medium holds no unit. What a unit shows while it is flashed says nothing.
bool SlotActor::unit_here() const {
    const bool flashed = live() && !works_on_disk();
    return device_.has_value() && (flashed || !shows_cards() || disks_.empty() || media() > 0);
}

void SlotActor::disks_changed(bool at_start) {
    if (live() && !works_on_disk()) {
        return;  // what a unit shows while it is flashed is its flash method's business
    }
    if (disk_) {
        const auto now = disks_.find(disk_->name);
        if (now == disks_.end() || !(now->second == *disk_)) {
            disk_.reset();
            medium_left();
        }
    }
    // With several nobody can say which one is meant; while one is worked on it is that one.
    const auto found = std::find_if(disks_.begin(), disks_.end(),
                                    [](const auto& each) { return each.second.bytes > 0; });
    if (!disk_ && media() == 1 &&
        context_.models.of_disk(found->second.vendor, found->second.product) != nullptr) {
        disk_ = found->second;
        medium_arrived(at_start);
    }
    try_start();
    publish(std::nullopt);
}

void SlotActor::medium_arrived(bool at_start) {
    model_ = context_.models.of_disk(disk_->vendor, disk_->product);
    since_ms_ = context_.clock.wall_ms();
    fresh_ = !at_start;
    if (!at_start) {
        left_since_verdict_ = true;  // the reader was empty: whatever was judged here is another
    }
    if (live() && job_.state == JobState::interrupted) {
        // Writing again is always right, but where the last one may hold a serial already.
        job_.flash_again ? deliver(core::InRecovery{})
                         : deliver(core::StopAsked{base::make_error("station.restarted")});
    }
}

void SlotActor::medium_left() {
    model_ = nullptr;
    hold_ = core::Hold::none;
    used_to_map_ = false;
    left_since_verdict_ = true;
    since_ms_ = context_.clock.wall_ms();
    if (live()) {
        deliver(core::UnitLeft{job_.state == JobState::interrupted});
    } else if (run_ && verdict_ && run_->acknowledged) {
        clear_verdict();
    }
}

}  // namespace lineside::engine
