// SPDX-License-Identifier: Apache-2.0
// What leaves together has one cause: a hub that was pulled, or that dropped all its ports.
#include "station/engine/engine.h"

#include <algorithm>
#include <set>

namespace lineside::engine {

void Engine::device_left(const usb::PortPath& port, bool is_hub) {
    if (is_hub) {
        return hub_left(port);
    }
    SlotActor* slot = find_port(port);
    if (slot == nullptr) {
        return;
    }
    const std::int64_t now = context_.clock.mono_ns();
    forget_who_left(now);
    just_left_.push_back({slot->slot(), port.key, now});
    slot->device_left();
    left_together(port.key);
}

void Engine::forget_who_left(std::int64_t mono_ns) {
    const auto gather = std::chrono::nanoseconds(context_.patience.hub_gather).count();
    std::erase_if(just_left_,
                  [&](const JustLeft& each) { return mono_ns - each.mono_ns > gather; });
}

void Engine::hub_left(const usb::PortPath& port) {
    // The kernel tells of the children first, so they have left already: one cause, one alarm.
    forget_who_left(context_.clock.mono_ns());
    std::vector<std::string> slots;
    for (const JustLeft& each : just_left_) {
        if (usb::is_behind(each.port, port.key)) {
            slots.push_back(each.slot);
        }
    }
    left_with_hub(slots);
    if (!slots.empty()) {
        std::string sentence = fmt::format("Hub left with {} units", slots.size());
        raise_alarm("hub " + port.key, "usb.left", std::move(sentence), std::move(slots));
    }
}

// A hub whose supply breaks down, or a controller that starts anew, loses all that is behind it and
// may stay itself.
void Engine::left_together(const std::string& key) {
    const auto colon = key.rfind(':');
    for (auto end = key.rfind('.'); end != std::string::npos && end > colon;
         end = key.rfind('.', end - 1)) {
        const std::string hub = key.substr(0, end);
        const bool some_stay = std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) {
            return slot.present() && usb::is_behind(slot.port(), hub);
        });
        std::set<std::string> gone;
        for (const JustLeft& each : just_left_) {
            if (usb::is_behind(each.port, hub)) {
                gone.insert(each.slot);
            }
        }
        if (!some_stay && gone.size() > 1) {
            left_with_hub({gone.begin(), gone.end()});
        }
    }
}

void Engine::left_with_hub(const std::vector<std::string>& slots) {
    const auto gather = std::chrono::nanoseconds(context_.patience.hub_gather).count();
    for (const std::string& name : slots) {
        if (SlotActor* slot = find_slot(name)) {
            slot->left_with_hub(context_.clock.mono_ns() - gather);
        }
    }
}

}  // namespace lineside::engine
