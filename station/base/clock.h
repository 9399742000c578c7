// SPDX-License-Identifier: Apache-2.0
// Time comes in through this seam so that tests need no sleep. Wall time is UTC milliseconds since
// 1970; monotonic time is nanoseconds since boot (CLOCK_MONOTONIC). Order is never taken from
// either: the journal's sequence number decides. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace lineside::base {

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual std::int64_t wall_ms() const = 0;  // UTC, milliseconds
    [[nodiscard]] virtual std::int64_t mono_ns() const = 0;  // since boot, nanoseconds
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] std::int64_t wall_ms() const override;
    [[nodiscard]] std::int64_t mono_ns() const override;
};

class FakeClock final : public Clock {
  public:
    std::atomic<std::int64_t> wall = 1'700'000'000'000;
    std::atomic<std::int64_t> mono = 1'000'000'000;
    void advance_ms(std::int64_t ms) {
        wall += ms;
        mono += ms * 1'000'000;
    }
    [[nodiscard]] std::int64_t wall_ms() const override { return wall; }
    [[nodiscard]] std::int64_t mono_ns() const override { return mono; }
};

// "2026-11-20T10:41:24.010Z"
[[nodiscard]] std::string iso_utc(std::int64_t wall_ms);
// The kernel's boot id, so that monotonic times of two boots are never compared; "" if unknown.
[[nodiscard]] std::string boot_id();

}  // namespace lineside::base
