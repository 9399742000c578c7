// SPDX-License-Identifier: Apache-2.0
// How long a step takes, learned from the runs that ended well: when each percent was reached. A
// percent stands for what the tool says it is at (a partition, a stage), and those differ widely in
// pace, so the rest of a step is not guessed from the pace so far. Times in ms since the step
// began. Thread: any (plain values, no clock).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::core {

// One run of a step as it goes.
class PaceRun {
  public:
    void reached(int percent, std::int64_t spent_ms);  // one that is not above the last is nothing
    void ended(std::int64_t spent_ms) { reached(100, spent_ms); }
    [[nodiscard]] int percent() const { return percent_; }
    [[nodiscard]] std::int64_t since_ms() const { return at_[static_cast<std::size_t>(percent_)]; }

  private:
    friend class Pace;
    std::array<std::int64_t, 101> at_{};
    int percent_ = 0;
};

class Pace {
  public:
    // A run that ended well. Newer runs count more: a new image is known after a few units.
    void learn(const PaceRun& run);
    [[nodiscard]] bool known() const { return runs_ > 0; }
    // Of a run that has lasted `spent_ms`, at least 1; nothing where no run is known, or where this
    // one lasts so much longer that the others say nothing of it.
    [[nodiscard]] std::optional<int> left_s(const PaceRun& run, std::int64_t spent_ms) const;

    // "3 0,120,…": the number of runs and a time for each percent. Nothing from what is no such
    // text.
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] static std::optional<Pace> from_text(std::string_view text);

  private:
    std::array<std::int64_t, 101> at_{};
    int runs_ = 0;
};

}  // namespace lineside::core
