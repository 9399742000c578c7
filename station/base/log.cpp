// SPDX-License-Identifier: Apache-2.0
#include "station/base/log.h"

#include <unistd.h>

#include <atomic>
#include <string>

namespace lineside::base {
namespace {

std::atomic<int> g_least{static_cast<int>(Level::info)};  // one setting of the whole process

}  // namespace

void set_log_level(Level least) {
    g_least = static_cast<int>(least);
}

void log_line(Level level, std::string_view text) {
    if (static_cast<int>(level) > g_least) {
        return;
    }
    std::string line = fmt::format("<{}>", static_cast<int>(level));
    line.reserve(line.size() + text.size() + 1);
    for (char c : text) {  // a line break from outside must not forge a line of ours
        line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
    line.push_back('\n');
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace lineside::base
