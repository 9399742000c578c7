// SPDX-License-Identifier: Apache-2.0
#include "station/journal/recovery.h"

#include "station/base/crash_point.h"

namespace lineside::journal {
namespace {

using base::JobId;
using base::OrderId;
using base::UnitId;

// What was never exposed is free again; what may be on a unit is in doubt until that unit is heard.
Status settle_leases(Tx& tx, const Stamp& stamp) {
    auto open = tx.all<base::LeaseId, std::string, std::string>(
        "SELECT l.id, l.state, coalesce(j.slot, '') FROM lease l LEFT JOIN job j ON j.id = l.job_id"
        " WHERE l.state <> 'released' AND l.state <> 'burned' AND l.state IN ('reserved', 'issued')"
        " ORDER BY l.id");
    if (!open) {
        return tl::unexpected<base::Error>(open.error());
    }
    for (const auto& [id, state, slot] : *open) {
        auto moved = tx.run(
            "UPDATE lease SET state = ?1, epoch = ?2, at_ms = ?3, reason = 'station.restarted' "
            "WHERE id = ?4",
            state == "reserved" ? "released" : "in_doubt", stamp.epoch, stamp.at_ms, id);
        if (!moved) {
            return tl::unexpected<base::Error>(moved.error());
        }
        if (auto told = lease_moved(tx, stamp, id, slot, ""); !told) {
            return tl::unexpected<base::Error>(told.error());
        }
    }
    return {};
}

Result<InterruptedJob> interrupt(Tx& tx, const Stamp& stamp, InterruptedJob job) {
    auto open = tx.all<int, int>(
        "UPDATE step SET outcome = 'interrupted', ended_ms = ?1, code = 'station.restarted'"
        " WHERE job_id = ?2 AND outcome IS NULL RETURNING idx, attempt",
        stamp.at_ms, job.job);
    if (!open) {
        return tl::unexpected<base::Error>(open.error());
    }
    for (const auto& [index, attempt] : *open) {
        Event told{"step.ended", job.slot, job.unit, job.job, "", base::Json::object()};
        told.data = {{"index", index},
                     {"attempt", attempt},
                     {"outcome", "interrupted"},
                     {"code", "station.restarted"}};
        if (auto seq = append(tx, stamp, told); !seq) {
            return tl::unexpected<base::Error>(seq.error());
        }
    }
    auto flashed = tx.one<std::int64_t>(
        "SELECT count(*) FROM step WHERE job_id = ?1 AND idx = 0 AND outcome = 'ok'", job.job);
    auto next = tx.one<std::int64_t>(
        "SELECT coalesce(max(idx) + 1, 0) FROM step WHERE job_id = ?1 AND outcome = 'ok'", job.job);
    if (!flashed || !next) {
        return tl::unexpected<base::Error>(!flashed ? flashed.error() : next.error());
    }
    job.flashed = std::get<0>(**flashed) > 0;
    job.step = job.flashed ? static_cast<int>(std::get<0>(**next)) : 0;
    auto attempts = tx.one<std::int64_t>(
        "SELECT coalesce(max(attempt), 0) FROM step WHERE job_id = ?1 AND idx = ?2", job.job,
        job.step);
    if (!attempts) {
        return tl::unexpected<base::Error>(attempts.error());
    }
    job.step_attempt = static_cast<int>(std::get<0>(**attempts));
    auto seq = set_state(tx, stamp, job.job, job.slot, core::JobState::interrupted);
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return job;
}

}  // namespace

Result<Recovered> recover(Tx& tx, Stamp stamp, const std::string& station_name) {
    auto made = tx.run("UPDATE station SET name = ?1 WHERE id = 1", station_name);
    if (made && *made == 0) {
        made = tx.run("INSERT INTO station (id, name, created_ms) VALUES (1, ?1, ?2)", station_name,
                      stamp.at_ms);
    }
    auto epoch =
        tx.one<std::int64_t>("UPDATE station SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch");
    if (!made || !epoch) {
        return tl::unexpected<base::Error>(!made ? made.error() : epoch.error());
    }
    Recovered recovered;
    recovered.epoch = stamp.epoch = std::get<0>(**epoch);
    if (auto settled = settle_leases(tx, stamp); !settled) {
        return tl::unexpected<base::Error>(settled.error());
    }
    base::crash_point("start_leases_settled");
    auto open = tx.all<JobId, UnitId, OrderId, std::string, std::string, std::string, int,
                       std::optional<std::string>>(
        "SELECT id, unit_id, order_id, slot, port, state, attempt, image_key FROM job WHERE "
        "outcome IS NULL ORDER BY id");
    if (!open) {
        return tl::unexpected<base::Error>(open.error());
    }
    for (auto& [id, unit, order, slot, port, state, attempt, image] : *open) {
        InterruptedJob job;
        job.job = id;
        job.unit = unit;
        job.order = order;
        job.slot = slot;
        job.port = port;
        job.attempt = attempt;
        job.image_key = image.value_or("");
        job.was = core::job_state_from_text(state).value_or(core::JobState::interrupted);
        auto done = interrupt(tx, stamp, std::move(job));
        if (!done) {
            return tl::unexpected<base::Error>(done.error());
        }
        recovered.interrupted.push_back(std::move(*done));
    }
    auto verdicts = tx.all<JobId, UnitId, std::string, std::string, std::string, std::string,
                           std::optional<std::string>, std::int64_t, int>(
        "SELECT j.id, j.unit_id, j.slot, j.outcome, coalesce(j.code, ''), coalesce(j.message, ''),"
        " (SELECT value FROM unit_serial WHERE unit_id = j.unit_id), j.ended_ms, j.attempt"
        " FROM job j WHERE j.outcome IS NOT NULL AND j.acknowledged_ms IS NULL"
        " AND j.id = (SELECT max(id) FROM job WHERE slot = j.slot)");
    if (!verdicts) {
        return tl::unexpected<base::Error>(verdicts.error());
    }
    for (auto& [id, unit, slot, outcome, code, message, serial, ended, attempt] : *verdicts) {
        recovered.unacknowledged.push_back(
            {id, unit, slot, core::outcome_from_text(outcome).value_or(core::Outcome::error), code,
             message, serial.value_or(""), ended, attempt});
    }
    auto seq = append(tx, stamp,
                      {"station.started",
                       "",
                       {},
                       {},
                       "",
                       {{"epoch", stamp.epoch}, {"interrupted", recovered.interrupted.size()}}});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    recovered.last_seq = *seq;
    base::crash_point("start_recovered");
    return recovered;
}

}  // namespace lineside::journal
