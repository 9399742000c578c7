// SPDX-License-Identifier: Apache-2.0
// What was learned of each root port and controller, from the lives of the units there and what
// their workers say they moved; in memory and in the table wire_load. A row that cannot be read or
// written costs what was learned, nothing else. Thread: the io_context's, but load().
#pragma once

#include "station/base/ids.h"
#include "station/core/wire_meter.h"
#include "station/db/store.h"

#include <array>
#include <map>
#include <memory>
#include <string>

namespace lineside::engine {

class WireBook {
  public:
    explicit WireBook(db::Store& store) : store_(store) {}
    // All rows, before the loop runs.   Errors: db.failed.
    [[nodiscard]] base::Status load(db::Tx& tx);
    // How many are let in at the wire from now on.
    [[nodiscard]] int limit(const std::string& wire, int most);

    // A job that uses the wires of its port, until it ends; again is nothing.
    void begin(base::JobId job, const std::string& root_port, std::int64_t mono_ns);
    // So many bytes and so much of its way since it began.
    void moved(base::JobId job, std::uint64_t bytes, int percent, std::int64_t mono_ns);
    // `whole`: its work came to its end. A job that never began is nothing.
    void end(base::JobId job, bool whole, std::int64_t mono_ns);

  private:
    struct Known {
        core::Wire wire;
        core::WireMeter meter{wire};
    };
    [[nodiscard]] Known& known(const std::string& wire);
    void keep(const std::string& wire);

    db::Store& store_;
    std::map<std::string, std::unique_ptr<Known>> wires_;  // the meter holds its wire
    std::map<base::JobId, std::array<std::string, 2>> jobs_;
};

}  // namespace lineside::engine
