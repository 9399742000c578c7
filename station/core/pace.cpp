// SPDX-License-Identifier: Apache-2.0
#include "station/core/pace.h"

#include "station/base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace lineside::core {

namespace {

constexpr int kRunsThatCount = 5;            // the newest of them has at least this share
constexpr std::int64_t kTooShortMs = 5'000;  // to tell a slow unit from a fast one
constexpr double kSlowest = 3;               // times the usual
constexpr double kFastest = 0.5;
constexpr std::int64_t kLongestMs = 86'400'000;

std::optional<std::int64_t> number(std::string_view text, std::int64_t most) {
    std::int64_t value = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value < 0 || value > most) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

void PaceRun::reached(int percent, std::int64_t spent_ms) {
    const int to = std::min(percent, 100);
    const std::int64_t not_before = since_ms();
    while (percent_ < to) {
        at_[static_cast<std::size_t>(++percent_)] = std::max(spent_ms, not_before);
    }
}

void Pace::learn(const PaceRun& run) {
    if (run.percent() < 100 || run.at_[100] > kLongestMs) {
        return;
    }
    runs_ = std::min(runs_ + 1, kRunsThatCount);
    for (std::size_t percent = 0; percent < at_.size(); ++percent) {
        at_[percent] += (run.at_[percent] - at_[percent]) / runs_;
    }
}

std::optional<int> Pace::left_s(const PaceRun& run, std::int64_t spent_ms) const {
    if (!known() || run.percent() >= 100) {
        return std::nullopt;
    }
    const auto here = static_cast<std::size_t>(run.percent());
    // A slow unit or cable stays slow.
    const double pace =
        at_[here] < kTooShortMs
            ? 1
            : std::clamp(static_cast<double>(run.since_ms()) / static_cast<double>(at_[here]),
                         kFastest, kSlowest);
    const auto scaled = [pace](std::int64_t ms) {
        return static_cast<std::int64_t>(static_cast<double>(ms) * pace);
    };
    const std::int64_t since = spent_ms - run.since_ms();
    const std::int64_t to_next = scaled(at_[here + 1] - at_[here]);
    const std::int64_t rest = scaled(at_[100] - at_[here]);
    if (since > std::max(rest, kTooShortMs) * static_cast<std::int64_t>(kSlowest)) {
        return std::nullopt;
    }
    const std::int64_t left = rest - std::min(since, to_next);
    return static_cast<int>(std::max<std::int64_t>(left, 1) + 999) / 1000;
}

std::string Pace::to_text() const {
    return fmt::format("{} {}", runs_, fmt::join(at_, ","));
}

std::optional<Pace> Pace::from_text(std::string_view text) {
    Pace pace;
    const auto space = text.find(' ');
    const auto runs = number(text.substr(0, space), kRunsThatCount);
    if (!runs || *runs == 0 || space == std::string_view::npos) {
        return std::nullopt;
    }
    pace.runs_ = static_cast<int>(*runs);
    const auto times = base::split(text.substr(space + 1), ',');
    if (times.size() != pace.at_.size()) {
        return std::nullopt;
    }
    for (std::size_t percent = 0; percent < times.size(); ++percent) {
        const auto ms = number(times[percent], kLongestMs);
        if (!ms || (percent > 0 && *ms < pace.at_[percent - 1])) {
            return std::nullopt;
        }
        pace.at_[percent] = *ms;
    }
    return pace;
}

}  // namespace lineside::core
