// SPDX-License-Identifier: Apache-2.0
// The service's own diary on stderr, one line per message with a <n> syslog prefix that journald
// understands. It holds what the service did, never a secret and never tool output (that has its
// own file per job step). Domain events belong into the journal database instead. Thread: any;
// lines are written whole.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace lineside::base {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

void set_log_level(Level least);
void log_line(Level level, std::string_view text);

template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    log_line(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    log_line(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    log_line(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
    log_line(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lineside::base
