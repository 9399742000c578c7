// SPDX-License-Identifier: Apache-2.0
// Turns the Commit effects of one transition into one database transaction: state, step rows,
// leases, proofs, events. Everything a commit needs is copied in; nothing here touches the engine's
// memory. Thread: a db thread.   Durable: when the transaction commits.
#pragma once

#include "serial-pool/serial_pool.h"
#include "station/audit/signer.h"
#include "station/core/job_machine.h"
#include "station/core/profile.h"
#include "station/journal/journal.h"
#include "station/journal/slots.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lineside::engine {

struct JobCommit {
    journal::Stamp stamp;
    base::JobId job;
    base::UnitId unit;
    std::string slot;
    std::vector<core::Effect> effects;  // commits only
    core::JobState to = core::JobState::queued;
    std::optional<base::Error> ending;
    std::vector<core::StepPlan> steps;            // of the recipe; shared copies are small
    int redactions = 0;                           // of the step that ends
    std::shared_ptr<const audit::Signer> signer;  // signs a PASS
    bool judge_slot = false;  // close the slot if the trouble is its own; not of a port without one
};
struct JobCommitted {
    std::int64_t seq = 0;
    int step_attempt = 0;  // of a step that starts, as counted by the database
    std::optional<core::Verdict> verdict;
    // Of a step that starts: what the unit may hold already, so that its log can be redacted;
    // sealed.
    std::optional<serial_pool::Issued> held;
    std::vector<serial_pool::UnitField> fields;  // of that serial
    std::optional<journal::Closing> closed;      // the slot, by this verdict
};
[[nodiscard]] base::Result<JobCommitted> commit_effects(db::Tx& tx, const JobCommit& commit);

// Reserves a serial for the unit (or finds its live one) before anything is written to it.
// `fields`: what the recipe's steps need beside serial and token.   Errors: pool.empty,
// pool.no_field.
struct Reservation {
    std::int64_t seq = 0;
    std::string serial;
};
[[nodiscard]] base::Result<Reservation> commit_reserve(db::Tx& tx, const journal::Stamp& stamp,
                                                       base::JobId job, base::UnitId unit,
                                                       const std::string& slot,
                                                       const std::set<std::string>& fields);

// Binds a chip id to the job's unit. A known chip keeps its serial: the provisional unit's lease is
// released and the known unit's own one counts (or a new one is reserved for it); that one must
// have the `fields`, too.
[[nodiscard]] base::Result<journal::ChipBinding> commit_bind_chip(
    db::Tx& tx, const journal::Stamp& stamp, base::JobId job, base::UnitId unit,
    const std::string& slot, const std::string& chip, const std::set<std::string>& fields);

// reserved -> issued on disk, before the value may leave the process. A unit that is made again
// gets another token here where its order says so, once in a job; the job's record says whether it
// did.
struct Issued {
    std::int64_t seq = 0;
    serial_pool::Issued issued;  // the token is still sealed
};
[[nodiscard]] base::Result<Issued> commit_issue(db::Tx& tx, const serial_pool::TokenVault& vault,
                                                const journal::Stamp& stamp, base::JobId job,
                                                base::UnitId unit, const std::string& slot,
                                                const std::set<std::string>& fields);

struct ProofCommitted {
    std::int64_t seq = 0;
    std::optional<base::Error> mismatch;
};
// Compares what the unit said with its lease; equal: the lease is burned in the same transaction.
[[nodiscard]] base::Result<ProofCommitted> commit_serial_proof(db::Tx& tx,
                                                               const journal::Stamp& stamp,
                                                               base::JobId job, base::UnitId unit,
                                                               const std::string& slot,
                                                               const std::string& heard);
[[nodiscard]] base::Result<ProofCommitted> commit_image_proof(
    db::Tx& tx, const journal::Stamp& stamp, base::JobId job, const std::string& slot,
    const std::string& expected_digest, const base::Json& heard);

}  // namespace lineside::engine
