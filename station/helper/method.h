// SPDX-License-Identifier: Apache-2.0
// What the root helper reads of a flash method's folder: <methods>/<name>/method.toml and the
// executable it names. Folder, manifest and executable must be root's and writable by nobody else.
// The other members of method.toml are for the engine and not looked at here.
// Errors: worker.spawn.   Thread: any.
#pragma once

#include "station/base/error.h"

#include <map>
#include <string>

namespace lineside::helper {

struct Method {
    std::string executable;  // absolute
    bool root = false;       // keeps root
    bool build = false;      // builds images: lane over the profile's BSP tree, output folder
};

class MethodTable {
  public:
    explicit MethodTable(std::string folder) : folder_(std::move(folder)) {}
    // Reads the manifest, again only when its file has changed; ownership is checked every time.
    [[nodiscard]] base::Result<Method> find(const std::string& name);

  private:
    struct Known {
        long long stamp = 0;
        Method method;
    };
    std::string folder_;
    std::map<std::string, Known> known_;
};

}  // namespace lineside::helper
