// SPDX-License-Identifier: Apache-2.0
// The durable history: units, jobs, steps, proofs and events, each written in the transaction of
// the state it explains. Functions take the transaction of the caller, who composes several into
// one commit. Errors: db.failed, lease.refused (a trigger of the schema refused). Thread: a db
// thread.   Durable: when the caller's transaction commits.
#pragma once

#include "station/base/ids.h"
#include "station/base/json.h"
#include "station/core/profile.h"
#include "station/core/verdict.h"
#include "station/db/query.h"

#include <optional>
#include <string>
#include <vector>

namespace lineside::journal {

using base::Result;
using base::Status;
using db::Tx;

// When and in which life of the service something is written. Taken from the clock on the main
// thread.
struct Stamp {
    std::int64_t at_ms = 0;    // UTC
    std::int64_t mono_ns = 0;  // since boot
    std::string boot;          // kernel's boot id
    std::int64_t epoch = 0;    // life of the service
};

struct Event {
    std::string kind;  // "job.started"
    std::string slot;
    base::UnitId unit;
    base::JobId job;
    std::string actor;  // "" = the station itself
    base::Json data = base::Json::object();
};

// Appends one event, linked to the one before; returns its sequence number. Notices a clock that
// went back (adds clock.went_back) and rows that another program put in or took away
// (journal.foreign). The station row must be there.
[[nodiscard]] Result<std::int64_t> append(Tx& tx, const Stamp& stamp, const Event& event);

struct OpenedJob {
    base::UnitId unit;
    base::JobId job;
    int attempt = 1;
    std::int64_t seq = 0;
};
struct JobOpening {
    std::string slot;
    std::string port;
    std::string model;
    base::OrderId order;
    std::string image_key;
    std::string actor;  // who started it: "plug-in" or a person
    std::optional<base::UnitId>
        unit;  // a further attempt on a known unit; else a provisional unit is made
    // How its image is released: two, one, none, emergency; by whom, and why in an emergency. "" =
    // not said.
    std::string image_release = {};
    std::string image_released_by = {};
    std::string image_release_reason = {};
    // What its image holds of the steps before the flash: step -> arguments, without secrets.
    base::Json in_force = base::Json::object();
};
[[nodiscard]] Result<OpenedJob> open_job(Tx& tx, const Stamp& stamp, const JobOpening& opening);

[[nodiscard]] Result<std::int64_t> set_state(Tx& tx, const Stamp& stamp, base::JobId job,
                                             const std::string& slot, core::JobState state);
// The attempt is counted by the database over all lives of the service, so a resumed step never
// writes over the row or the log of the one before.
struct StartedStep {
    std::int64_t seq = 0;
    int attempt = 1;
};
[[nodiscard]] Result<StartedStep> start_step(Tx& tx, const Stamp& stamp, base::JobId job,
                                             const std::string& slot, int index,
                                             const core::StepPlan& plan, core::JobState state);
// Ends the step `index` of the job that is open.
[[nodiscard]] Result<std::int64_t> end_step(Tx& tx, const Stamp& stamp, base::JobId job,
                                            const std::string& slot, int index,
                                            const std::optional<base::Error>& error, bool stopped,
                                            int redactions);

struct ProofRow {
    std::string kind;  // image, serial
    bool ok = false;
    std::string expected;
    std::string heard;
    std::string detail;
};
[[nodiscard]] Result<std::int64_t> add_proof(Tx& tx, const Stamp& stamp, base::JobId job,
                                             const std::string& slot, const ProofRow& proof);

// What the database holds for the verdict. `step_count` is the recipe's length.
[[nodiscard]] Result<core::Evidence> evidence(Tx& tx, base::JobId job, int step_count);
// Writes the outcome. The schema refuses a PASS whose proofs are not there.
[[nodiscard]] Result<std::int64_t> close_job(Tx& tx, const Stamp& stamp, base::JobId job,
                                             const std::string& slot, const core::Verdict& verdict);
[[nodiscard]] Result<std::int64_t> acknowledge(Tx& tx, const Stamp& stamp, base::JobId job,
                                               const std::string& slot, const std::string& actor);

// Tells in the journal what state a lease is in now (kind "lease.<state>", with the serial, the
// lease's number and its reason): called in the transaction of the move, so that the journal alone
// says where each serial went. `slot` may be empty; `actor` too (the station itself).
[[nodiscard]] Result<std::int64_t> lease_moved(Tx& tx, const Stamp& stamp, base::LeaseId lease,
                                               const std::string& slot, const std::string& actor);

// Facts the worker or the bus told about the unit.
[[nodiscard]] Status set_module_serial(Tx& tx, base::UnitId unit, const std::string& serial);
[[nodiscard]] Status set_board(Tx& tx, base::JobId job, const base::Json& board);
[[nodiscard]] Status set_tool_version(Tx& tx, base::JobId job, const std::string& version);

// Binds a chip id to the job's unit. Where the chip is known already, the provisional unit is
// merged into the known one and the job moves over.
struct ChipBinding {
    base::UnitId unit;   // the unit the job belongs to from now on
    bool known = false;  // seen before
    std::optional<base::JobId>
        live_elsewhere;  // a live job of that unit: two boards with one chip id
    // The serial this unit passed with before, where nobody gave a reason since to make it again.
    std::optional<std::string> passed_as;
};
[[nodiscard]] Result<ChipBinding> bind_chip(Tx& tx, const Stamp& stamp, base::JobId job,
                                            base::UnitId unit, const std::string& slot,
                                            const std::string& chip_id);

// May the job's unit, which may have passed before, be made again? A reason is written to the
// refused job (`allow_rework`) and holds until the unit passes again; it is copied to the job it
// allows. Returns the serial the unit passed with when there is no reason, else nothing.
[[nodiscard]] Result<std::optional<std::string>> refused_rework(Tx& tx, base::JobId job,
                                                                base::UnitId unit);
// Errors: request.conflict (that job was not refused for it).
[[nodiscard]] Result<std::int64_t> allow_rework(Tx& tx, const Stamp& stamp, base::JobId job,
                                                const std::string& slot, const std::string& reason,
                                                const std::string& actor);

// Another unit's live job whose unit says the same module serial.
// What the unit said of itself before; "" = nothing.
[[nodiscard]] Result<std::string> module_serial_of(Tx& tx, base::UnitId unit);
[[nodiscard]] Result<std::optional<base::JobId>> module_serial_elsewhere(Tx& tx, base::UnitId unit,
                                                                         const std::string& serial);

// Marks that something which may happen only once per flash begins / is done. Returns the state
// found before: "new", "begun" or "done".
[[nodiscard]] Result<std::string> once_begin(Tx& tx, const Stamp& stamp, base::JobId job,
                                             const std::string& name);
[[nodiscard]] Status once_done(Tx& tx, const Stamp& stamp, base::JobId job,
                               const std::string& name);

}  // namespace lineside::journal
