// SPDX-License-Identifier: Apache-2.0
// Tells every libudev monitor in the testbed what came and went, in the form udevd multicasts it. A
// monitor whose queue is full gets the rest later and in order; one whose process is gone is
// forgotten. (umockdev's own sender aborts its process in both cases, which is why we have one.)
// Thread: main.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loop.h"

namespace line {

using Properties = std::vector<std::pair<std::string, std::string>>;

class Uevents {
  public:
    Uevents(Loop& loop, std::filesystem::path root);
    // Sends one event to all monitors. `devpath` without /sys; `devtype` may be empty.
    void send(const std::string& action, const std::string& devpath, const std::string& subsystem,
              const std::string& devtype, const Properties& properties);

  private:
    bool deliver(const std::string& socket, const std::vector<char>& message);
    void retry();

    Loop& loop_;
    std::filesystem::path root_;
    unsigned long long sequence_ = 1000;
    std::map<std::string, std::deque<std::vector<char>>> waiting_;
    bool retrying_ = false;
};

}  // namespace line
