// SPDX-License-Identifier: Apache-2.0
// Serials with their tokens, and the leases that bind one serial to one unit. Every function takes
// the caller's transaction, so that a move and the journal row that explains it are one commit;
// none writes journal rows itself. What may follow what is refused by the schema; these functions
// ask first, so that a wrong move is told in a sentence.
//   reserved -> issued -> burned    reserved -> released    issued -> in_doubt ->
//   issued|burned|voided
// Errors: pool.empty, lease.refused, lease.doubt, request.*, db.failed, disk.full.
// Thread: a db thread.   Durable: when the caller's transaction commits. A value may leave the
// process only after the commit that issued it.
#pragma once

#include "serial-pool/batch_csv.h"
#include "serial-pool/token_vault.h"
#include "station/base/ids.h"
#include "station/db/query.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

using base::Result;
using base::Status;
using db::Tx;

enum class LeaseState { reserved, issued, burned, in_doubt, released, voided };
[[nodiscard]] std::string_view to_text(LeaseState state);
[[nodiscard]] std::optional<LeaseState> lease_state_from_text(std::string_view text);

struct Lease {
    base::LeaseId id;
    base::SerialId serial;
    base::UnitId unit;
    LeaseState state = LeaseState::reserved;
    std::string value;  // the serial
    std::string batch;
    bool has_token = false;
};

// Who moves a lease, when, in which life of the service, and why.
struct Move {
    base::JobId job;  // 0 = none
    std::int64_t epoch = 0;
    std::int64_t at_ms = 0;
    std::string reason;   // may be empty, but not for void_lease
    std::string by_user;  // empty = the station itself
};

// The unit's live lease (reserved, issued, burned or in doubt), if it has one.
[[nodiscard]] Result<std::optional<Lease>> live_lease(Tx& tx, base::UnitId unit);
[[nodiscard]] Result<Lease> lease(Tx& tx, base::LeaseId id);

// The unit's live lease, whatever its state (a known chip keeps its serial), or the first free
// serial of an open batch: first the order's own batches, then those of its pool that are nobody's,
// first loaded first.   Errors: pool.empty, request.unknown (order).
[[nodiscard]] Result<Lease> reserve(Tx& tx, base::UnitId unit, base::OrderId order,
                                    const Move& move);

// What a unit is given. The token is still sealed: open it after the commit, at the last moment.
struct Issued {
    Lease lease;
    std::string sealed;  // empty: a test-only serial without token
};
// reserved -> issued, in_doubt -> issued (the same chip goes on). A lease that is issued or burned
// already gives the same values again without a move.   Errors: lease.refused (released, voided).
[[nodiscard]] Result<Issued> issue(Tx& tx, base::LeaseId lease, const Move& move);
// Errors: secret.broken.   Thread: any.
[[nodiscard]] Result<std::optional<base::Secret>> open_token(const TokenVault& vault,
                                                             const Issued& issued);

// What the batch holds for a serial beside its token: name -> value, a secret one sealed.
struct UnitField {
    std::string name;   // "ap_ssid", "ap_password"
    std::string value;  // empty when sealed
    std::string sealed;
};
[[nodiscard]] Result<std::vector<UnitField>> unit_fields(Tx& tx, base::SerialId serial);
// Errors: secret.broken.   Thread: any.
[[nodiscard]] Result<base::Secret> open_field(const TokenVault& vault, const Lease& lease,
                                              const UnitField& field);

// issued|in_doubt -> burned: the unit was heard to hold the serial. Once burned, nothing happens.
[[nodiscard]] Status burn(Tx& tx, base::LeaseId lease, const Move& move);
// issued -> in_doubt: nobody knows whether the unit holds it. Burned and in doubt stay as they are.
[[nodiscard]] Status doubt(Tx& tx, base::LeaseId lease, const Move& move);
// reserved -> released: the value never left the process and is free again.
[[nodiscard]] Status release(Tx& tx, base::LeaseId lease, const Move& move);
// in_doubt -> voided: a person with a reason gives the serial up for ever.
[[nodiscard]] Status void_lease(Tx& tx, base::LeaseId lease, const Move& move);
// What a job that ends without PASS means for the unit's live lease: reserved is released, issued
// is in doubt, others stay. Returns the lease that moved, if one did.
[[nodiscard]] Result<std::optional<base::LeaseId>> settle(Tx& tx, base::UnitId unit,
                                                          const Move& move);

// `provisional` turned out to be the chip of `known`: its reserved lease is released, the known
// unit's live lease (if any) is the one from now on. The job row is the journal's to move. Errors:
// lease.doubt (the provisional unit may hold a serial already).
struct Adopted {
    std::optional<Lease> live;              // of the known unit
    std::optional<base::LeaseId> released;  // what was reserved for the provisional one
};
[[nodiscard]] Result<Adopted> adopt_unit(Tx& tx, base::UnitId provisional, base::UnitId known,
                                         const Move& move);

// The serial's own lease that is not released, for "is this serial on another unit?".
[[nodiscard]] Result<std::optional<Lease>> lease_of_serial(Tx& tx, std::string_view serial);

}  // namespace lineside::serial_pool
