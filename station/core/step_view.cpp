// SPDX-License-Identifier: Apache-2.0
#include "station/core/step_view.h"

#include <algorithm>
#include <initializer_list>

namespace lineside::core {

Dot dot_of(std::string_view step) {
    if (step == "flash") {
        return Dot::flash;
    }
    if (step == "wait-unit" || step == "prove-image") {
        return Dot::check;
    }
    if (step == "reboot-and-wait" || step == "read-serial" || step == "http-check") {
        return Dot::test;
    }
    return Dot::serial;
}

void StepProgress::phase(double weight) {
    before_ += now_;
    now_ = weight;
}

bool StepProgress::progress(std::uint64_t done, std::uint64_t total) {
    if (total == 0) {
        return false;
    }
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const double all = now_ > 0 ? before_ + now_ * part : 100.0 * part;
    const int percent = static_cast<int>(std::clamp(all, 0.0, 100.0));
    if (percent <= percent_) {
        return false;
    }
    percent_ = percent;
    return true;
}

std::optional<int> StepProgress::time_left_s(std::int64_t spent_ns) const {
    constexpr std::int64_t kSecond = 1'000'000'000;
    if (percent_ < 5 || percent_ >= 100 || spent_ns < kSecond) {
        return std::nullopt;
    }
    return static_cast<int>(spent_ns / kSecond * (100 - percent_) / percent_);
}

base::Error seen_at_port(base::Error error, bool present, bool pulled) {
    const auto tells_of = [&error](std::initializer_list<std::string_view> areas) {
        return std::any_of(areas.begin(), areas.end(),
                           [&](auto area) { return error.code.starts_with(area); });
    };
    if (!present && (tells_of({"usb.", "tool."}) ||
                     (pulled && tells_of({"ssh.", "boot.", "step.", "unit."})))) {
        if (error.code != "usb.left") {
            error =
                base::make_error("usb.left", "Unit left while it was worked on: " + error.message);
        }
        error.retry = false;  // not by itself: there is nothing to try it on
    }
    return error;
}

}  // namespace lineside::core
