// SPDX-License-Identifier: Apache-2.0
// Runs programs one after the other: arguments as given, never a shell, nothing on standard input,
// no descriptor of ours, a small environment. Whatever one leaves running in its process group is
// ended with it.
// Errors: tool.missing, tool.failed (with the last words it said), operator.stopped.
// Thread: one at a time.
#pragma once

#include "station/base/error.h"

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

namespace lineside::media {

struct ProgramLimits {
    std::chrono::seconds most{1800};
    // False: it is waited for also after a stop, since ending it half-way leaves worse (mkfs).
    bool may_be_stopped = true;
    // NAME=VALUE, besides the few that every program gets; a name given here goes first.
    std::vector<std::string> environment = {};
};

class Programs {
  public:
    static constexpr std::size_t kMostSaid = 64 * 1024;  // of its words, kept from the end

    explicit Programs(const std::atomic<bool>& stop) : stop_(stop) {}

    // What it said on both outputs. An exit status but 0 is tool.failed.
    [[nodiscard]] base::Result<std::string> run(const std::vector<std::string>& argv,
                                                const ProgramLimits& limits = {}) const;
    // Where `name` is in the path that programs are looked for in. Errors: tool.missing.
    [[nodiscard]] static base::Result<std::string> find(const std::string& name);

  private:
    const std::atomic<bool>& stop_;
};

}  // namespace lineside::media
