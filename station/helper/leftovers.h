// SPDX-License-Identifier: Apache-2.0
// Looks for what dead jobs may have left on the host: processes, mounts, cgroups. Read-only.
// Thread: the helper's only one; reads all of /proc, some ten milliseconds.
#pragma once

#include "station/base/json.h"
#include "station/helper/config.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace lineside::helper {

// Adds {"kind":"process|mount|cgroup","job":N|null,"what":"…"} for everything whose job is not
// `alive` and every cgroup that is not one of `cgroups`.
void find_leftovers(const Config& config, const std::set<std::int64_t>& alive,
                    const std::set<std::string>& cgroups, base::Json& found);
// The cgroups of workers below the configured root.
[[nodiscard]] std::vector<std::string> cgroups_of_workers(const Config& config);

}  // namespace lineside::helper
