// SPDX-License-Identifier: Apache-2.0
// The `mutable` list of a product profile: which paths of the root file system a booted unit may
// have changed or hidden, so that they are not part of the proof of image. One rule per line:
//   /etc/machine-id     exactly this path
//   /var/               everything below this folder, and the folder
//   /etc/ssh/*_key      '*' stands for any text without '/'
// Thread: any (plain value).
#pragma once

#include "station/base/error.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::proof {

class PathRules {
  public:
    // Errors: config.invalid for a rule that does not begin with '/', is empty, or holds "//", "."
    // or "..".
    [[nodiscard]] static base::Result<PathRules> parse(std::span<const std::string> rules);
    [[nodiscard]] bool match(std::string_view path) const;
    [[nodiscard]] const std::vector<std::string>& rules() const { return rules_; }

  private:
    std::vector<std::string> rules_;  // sorted, unique
};

}  // namespace lineside::proof
