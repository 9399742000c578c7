// SPDX-License-Identifier: Apache-2.0
// A flash or provisioning method in C++ is one function; this runs it:
//   int main() {
//       return lineside::worker::run({"media-writer", LINESIDE_VERSION},
//                                    [](Station& station) -> Result<Json> { … });
//   }
// run() speaks the worker protocol on fd 3: hello, then the job line, then the function, then its
// result as the last line. A returned value becomes "value" of the result (null: none).
// Thread: one; the function runs on the caller's thread.
#pragma once

#include "workers/sdk/station.h"

#include <functional>
#include <string>

namespace lineside::worker {

constexpr int kChannelFd = 3;

struct Method {
    std::string name;  // as in method.toml
    std::string version;
    int silence_s = 60;  // longest time this worker may send no line at all
    // As in method.toml: "before_write", "after_boot", "never"; "" for what flashes no unit.
    std::string chip_id = {};
};

using Work = std::function<base::Result<base::Json>(Station&)>;

// Returns the exit status for main(): 0 if and only if the result is ok.
[[nodiscard]] int run(const Method& method, const Work& work);
// The same on another descriptor, which is closed at the end; for tests.
[[nodiscard]] int run_on(int channel, const Method& method, const Work& work);

}  // namespace lineside::worker
