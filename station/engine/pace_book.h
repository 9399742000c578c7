// SPDX-License-Identifier: Apache-2.0
// What was learned of how long the steps of each profile take, in memory and in the table
// step_pace. A row that cannot be read or written costs the time left, nothing else.
// Thread: the io_context's, but load().
#pragma once

#include "station/core/pace.h"
#include "station/db/store.h"

#include <map>
#include <string>
#include <utility>

namespace lineside::engine {

class PaceBook {
  public:
    explicit PaceBook(db::Store& store) : store_(store) {}
    // All rows, before the loop runs.   Errors: db.failed.
    [[nodiscard]] base::Status load(db::Tx& tx);
    [[nodiscard]] const core::Pace& of(const std::string& profile, const std::string& step) const;
    // A run that ended well.
    void learn(const std::string& profile, const std::string& step, const core::PaceRun& run);

  private:
    db::Store& store_;
    std::map<std::pair<std::string, std::string>, core::Pace> paces_;
};

}  // namespace lineside::engine
