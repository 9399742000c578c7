// SPDX-License-Identifier: Apache-2.0
// What dead jobs left on this host: asks every root helper that runs here, and looks for workers
// whose helper is gone and for lanes nobody holds. Thread: any; blocks.
#pragma once

#include "station/base/json.h"
#include "station/doctor/host.h"

#include <string>
#include <vector>

namespace lineside::doctor {

struct Leftovers {
    base::Json found = base::Json::array();  // {"kind","job","what"}
    std::vector<std::string> unseen;         // where it could not look, and why
};

// `socket`: of the configured helper, "" = none; `config`: helper.toml of the configured one.
[[nodiscard]] Leftovers find_leftovers(const Host& host, const std::string& socket,
                                       const std::string& config);

}  // namespace lineside::doctor
