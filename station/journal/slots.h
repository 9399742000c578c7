// SPDX-License-Identifier: Apache-2.0
// What is decided about slots: closed and reopened, where they stand, which port each has. Each row
// is written with the event that tells of it. Errors: db.failed and those named.   Thread: a db
// thread.   Durable: when the caller's transaction commits.
#pragma once

#include "station/journal/journal.h"

#include <optional>
#include <string>
#include <vector>

namespace lineside::journal {

struct Closing {
    std::string slot;
    std::int64_t at_ms = 0;
    std::string by;  // "station": by the rule of core/slot_trouble.h
    std::string reason;
    std::int64_t seq = 0;  // of its event; 0 as read back
};
inline constexpr const char* kByRule = "station";

// `counts`: what the rule rests on, for the journal.   Errors: slot.closed (it is already).
[[nodiscard]] Result<Closing> close_slot(Tx& tx, const Stamp& stamp, const std::string& slot,
                                         base::JobId job, const std::string& by,
                                         const std::string& reason, const base::Json& counts);
// Errors: request.conflict (it is open).
[[nodiscard]] Result<std::int64_t> reopen_slot(Tx& tx, const Stamp& stamp, const std::string& slot,
                                               const std::string& by, const std::string& reason);
[[nodiscard]] Result<std::optional<Closing>> closing_of(Tx& tx, const std::string& slot);
[[nodiscard]] Result<std::vector<Closing>> closed_slots(Tx& tx);

// Where a slot stands in the jig as the wall draws it: line and place from 0 to 63.
struct Place {
    std::string slot;
    int line = 0;
    int place = 0;
    std::string hub;  // name of its group, "" = none
};
// The whole layout at once, instead of the one before; none: nobody has said. The caller has made
// sure that no slot and no place is there twice.
[[nodiscard]] Result<std::int64_t> put_places(Tx& tx, const Stamp& stamp,
                                              const std::vector<Place>& places,
                                              const std::string& by);
[[nodiscard]] Result<std::vector<Place>> places(Tx& tx);

// Which port is which slot, as a technician mapped them at the page; none: station.toml says it.
struct SlotPort {
    std::string slot;
    std::string port;
    std::string peer;  // the other half of the socket, "" = none known
    std::int64_t at_ms = 0;
    std::string by;
};
// All at once, instead of those before. The caller has made sure that none is there twice.
[[nodiscard]] Result<std::int64_t> put_ports(Tx& tx, const Stamp& stamp,
                                             const std::vector<SlotPort>& ports,
                                             const std::string& by);
[[nodiscard]] Result<std::vector<SlotPort>> ports(Tx& tx);

}  // namespace lineside::journal
