// SPDX-License-Identifier: Apache-2.0
// A program that a way to a switch runs: no shell, nothing of the service's environment; killed
// with all it started when its time is up.  Private to this folder.  Thread: any, it blocks.
#pragma once

#include "station/base/error.h"
#include "station/power/ways.h"

#include <string>
#include <vector>

namespace lineside::power {

// What it wrote on its standard output, in one line of 200 characters at most, once it ended with
// 0. `environment`: what it gets besides PATH and LANG. Errors: power.failed (cannot be started,
// not in time, ended otherwise, with what it complained of).
[[nodiscard]] base::Result<std::string> run_program(const std::vector<std::string>& words,
                                                    std::vector<std::string> environment,
                                                    Until until);

}  // namespace lineside::power
