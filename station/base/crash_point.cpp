// SPDX-License-Identifier: Apache-2.0
#include "station/base/crash_point.h"

#ifdef LINESIDE_CRASHPOINTS

#include "station/base/text.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace lineside::base {
namespace {

struct Wanted {
    std::string name;
    std::int64_t hit = 1;
};

Wanted read_wanted() {
    const char* text = std::getenv("LINESIDE_CRASH_AT");
    if (text == nullptr) {
        return {};
    }
    const auto parts = split(text, ':');
    Wanted wanted{std::string(parts[0]), 1};
    if (parts.size() > 1) {
        wanted.hit = to_int(parts[1]).value_or(1);
    }
    return wanted;
}

// True for the one process that took the point's file away.
bool armed_in_folder(std::string_view name) {
    static const char* const folder = std::getenv("LINESIDE_CRASH_DIR");
    return folder != nullptr &&
           ::unlink((std::string(folder) + "/" + std::string(name)).c_str()) == 0;
}

}  // namespace

void crash_point(std::string_view name) {
    if (armed_in_folder(name)) {
        ::kill(::getpid(), SIGKILL);
    }
    static const Wanted wanted = read_wanted();
    static std::atomic<std::int64_t> hits{0};
    if (!wanted.name.empty() && wanted.name == name && ++hits == wanted.hit) {
        ::kill(::getpid(), SIGKILL);
    }
}

}  // namespace lineside::base

#endif
