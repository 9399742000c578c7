// SPDX-License-Identifier: Apache-2.0
#include "station/base/clock.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace lineside::base {
namespace {

std::int64_t read_ns(clockid_t id) {
    timespec now{};
    clock_gettime(id, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::wall_ms() const {
    return read_ns(CLOCK_REALTIME) / 1'000'000;
}
std::int64_t SystemClock::mono_ns() const {
    return read_ns(CLOCK_MONOTONIC);
}

std::string iso_utc(std::int64_t wall_ms) {
    auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    auto ms = wall_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        --seconds;
    }
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       ms);
}

std::string boot_id() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(in, id);
    return id;
}

}  // namespace lineside::base
