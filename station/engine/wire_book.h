// SPDX-License-Identifier: Apache-2.0
// What was learned of each root port and controller, from the lives of the units there and what
// their workers say they moved; in memory and in the table wire_load. A row that cannot be read or
// written costs what was learned, nothing else. Thread: the io_context's, but load().
#pragma once

#include "station/base/ids.h"
#include "station/core/wire_meter.h"
#include "station/db/store.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace lineside::engine {

class WireBook {
  public:
    explicit WireBook(db::Store& store) : store_(store) {}
    // All rows, before the loop runs.   Errors: db.failed.
    [[nodiscard]] base::Status load(db::Tx& tx);
    // How many are let in at the wire from now on.
    [[nodiscard]] int limit(const std::string& wire, int most);

    // How many more may begin at the wire now: one, none shortly after another, or no matter.
    [[nodiscard]] int more(const std::string& wire, std::int64_t mono_ns);
    // One begins at the port's wires.
    void let_in(const std::string& root_port, std::int64_t mono_ns);
    // How long it takes until the next may begin at a wire that takes none now; nothing: no such.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> rests(std::int64_t mono_ns) const;

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
        std::optional<std::int64_t> last_mono_ns{};  // when one was let in
        // When the next may be; in the past where it may.
        [[nodiscard]] std::int64_t next_mono_ns() const;
    };
    [[nodiscard]] Known& known(const std::string& wire);
    void keep(const std::string& wire);

    db::Store& store_;
    std::map<std::string, std::unique_ptr<Known>> wires_;  // the meter holds its wire
    std::map<base::JobId, std::array<std::string, 2>> jobs_;
};

}  // namespace lineside::engine
