// SPDX-License-Identifier: Apache-2.0
#include "station/journal/journal.h"

#include "station/base/codes.h"
#include "station/journal/rows.h"

namespace lineside::journal {
namespace {

using base::JobId;
using base::UnitId;

Result<std::int64_t> append_of_job(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                                   std::string kind, base::Json data) {
    auto unit = tx.one<UnitId>("SELECT unit_id FROM job WHERE id = ?1", job);
    if (!unit) {
        return tl::unexpected<base::Error>(unit.error());
    }
    Event event{std::move(kind), slot, *unit ? std::get<0>(**unit) : UnitId{}, job, "",
                std::move(data)};
    return append(tx, stamp, event);
}

base::Json text_or_null(const std::string& text) {
    return text.empty() ? base::Json() : base::Json(text);
}

}  // namespace

Result<OpenedJob> open_job(Tx& tx, const Stamp& stamp, const JobOpening& opening) {
    OpenedJob opened;
    if (opening.unit) {
        opened.unit = *opening.unit;
    } else {
        auto unit = tx.insert("INSERT INTO unit (model, first_ms) VALUES (?1, ?2)", opening.model,
                              stamp.at_ms);
        if (!unit) {
            return tl::unexpected<base::Error>(unit.error());
        }
        opened.unit = UnitId(*unit);
    }
    auto attempts = tx.one<std::int64_t>(
        "SELECT coalesce(max(attempt), 0) FROM job WHERE unit_id = ?1", opened.unit);
    if (!attempts) {
        return tl::unexpected<base::Error>(attempts.error());
    }
    opened.attempt = static_cast<int>(std::get<0>(**attempts)) + 1;
    auto job = tx.insert(
        "INSERT INTO job (unit_id, order_id, slot, port, attempt, epoch, state, image_key, actor, "
        "started_ms,"
        " started_mono_ns, boot, image_release, image_released_by, image_release_reason) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        opened.unit, opening.order, opening.slot, opening.port, opened.attempt, stamp.epoch,
        core::to_text(core::JobState::queued), db::null_if_empty(opening.image_key), opening.actor,
        stamp.at_ms, stamp.mono_ns, stamp.boot, db::null_if_empty(opening.image_release),
        db::null_if_empty(opening.image_released_by),
        db::null_if_empty(opening.image_release_reason));
    if (!job) {
        return tl::unexpected<base::Error>(job.error());
    }
    opened.job = JobId(*job);
    auto seq = append(tx, stamp,
                      {"job.queued",
                       opening.slot,
                       opened.unit,
                       opened.job,
                       opening.actor,
                       {{"attempt", opened.attempt},
                        {"port", opening.port},
                        {"model", opening.model},
                        {"order", opening.order.value},
                        {"image", text_or_null(opening.image_key)},
                        {"release", text_or_null(opening.image_release)},
                        {"released_by", text_or_null(opening.image_released_by)},
                        {"release_reason", text_or_null(opening.image_release_reason)}}});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    opened.seq = *seq;
    if (opening.in_force.empty()) {
        return opened;
    }
    std::string steps;
    for (const auto& [name, args] : opening.in_force.items()) {
        steps += steps.empty() ? name : ", " + name;
    }
    auto prepared =
        append(tx, stamp,
               {"job.prepared",
                opening.slot,
                opened.unit,
                opened.job,
                "",
                {{"image", opening.image_key}, {"steps", steps}, {"in_force", opening.in_force}}});
    if (!prepared) {
        return tl::unexpected<base::Error>(prepared.error());
    }
    opened.seq = *prepared;
    return opened;
}

Result<std::int64_t> set_state(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                               core::JobState state) {
    if (auto done = run_one(
            tx.run("UPDATE job SET state = ?1, epoch = ?2 WHERE id = ?3 AND outcome IS NULL",
                   core::to_text(state), stamp.epoch, job),
            "job state");
        !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    return append_of_job(tx, stamp, job, slot, "job.state", {{"state", core::to_text(state)}});
}

Result<StartedStep> start_step(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                               int index, const core::StepPlan& plan, core::JobState state) {
    auto last = tx.one<int>(
        "SELECT coalesce(max(attempt), 0) FROM step WHERE job_id = ?1 AND idx = ?2", job, index);
    if (!last) {
        return tl::unexpected<base::Error>(last.error());
    }
    StartedStep started;
    started.attempt = std::get<0>(**last) + 1;
    auto step = tx.insert(
        "INSERT INTO step (job_id, idx, name, method, attempt, started_ms) VALUES (?1, ?2, ?3, ?4, "
        "?5, ?6)",
        job, index, plan.name, plan.method, started.attempt, stamp.at_ms);
    if (!step) {
        return tl::unexpected<base::Error>(step.error());
    }
    if (auto done = run_one(
            tx.run("UPDATE job SET state = ?1, epoch = ?2 WHERE id = ?3 AND outcome IS NULL",
                   core::to_text(state), stamp.epoch, job),
            "job state");
        !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    auto seq = append_of_job(tx, stamp, job, slot, "step.started",
                             {{"step", plan.name}, {"index", index}, {"attempt", started.attempt}});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    started.seq = *seq;
    return started;
}

Result<std::int64_t> end_step(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                              int index, const std::optional<base::Error>& error, bool stopped,
                              int redactions) {
    const char* outcome = stopped ? "stopped" : (error ? "failed" : "ok");
    auto attempt = tx.one<int>(
        "UPDATE step SET ended_ms = ?1, outcome = ?2, code = ?3, message = ?4"
        " WHERE job_id = ?5 AND idx = ?6 AND outcome IS NULL RETURNING attempt",
        stamp.at_ms, outcome, error ? std::optional(error->code) : std::nullopt,
        error ? std::optional(error->message) : std::nullopt, job, index);
    if (!attempt) {
        return tl::unexpected<base::Error>(attempt.error());
    }
    if (!*attempt) {
        return base::fail("station.bug", "step end: no such step is open");
    }
    if (redactions > 0) {
        auto counted =
            tx.run("UPDATE job SET redactions = redactions + ?1 WHERE id = ?2", redactions, job);
        if (!counted) {
            return counted;
        }
    }
    base::Json data{{"index", index}, {"attempt", std::get<0>(**attempt)}, {"outcome", outcome}};
    if (error) {
        data["code"] = error->code;
    }
    return append_of_job(tx, stamp, job, slot, "step.ended", std::move(data));
}

Result<std::int64_t> add_proof(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                               const ProofRow& proof) {
    // As the journal's JSON can hold it, so that row and event say the same.
    const std::string expected = base::mended_text(proof.expected);
    const std::string heard = base::mended_text(proof.heard);
    auto row = tx.insert(
        "INSERT INTO proof (job_id, kind, ok, expected, heard, detail, at_ms) VALUES (?1, ?2, ?3, "
        "?4, ?5, ?6, ?7)",
        job, proof.kind, proof.ok, expected, heard, db::null_if_empty(proof.detail), stamp.at_ms);
    if (!row) {
        return row;
    }
    return append_of_job(
        tx, stamp, job, slot, "proof." + proof.kind,
        {{"proof", *row}, {"ok", proof.ok}, {"expected", expected}, {"heard", heard}});
}

Result<core::Evidence> evidence(Tx& tx, JobId job, int step_count) {
    core::Evidence e;
    auto steps = tx.one<std::int64_t>(
        "SELECT count(DISTINCT idx) FROM step WHERE job_id = ?1 AND outcome = 'ok'", job);
    auto proofs = tx.all<std::string, std::int64_t>(
        "SELECT kind, ok FROM proof WHERE job_id = ?1 ORDER BY id", job);
    auto lease = tx.one<std::int64_t>(
        "SELECT count(*) FROM job j JOIN unit_serial s ON s.unit_id = j.unit_id WHERE j.id = ?1 "
        "AND "
        "s.state = 'burned'",
        job);
    auto wanted = tx.one<bool>(
        "SELECT o.takes_serials FROM job j JOIN orders o ON o.id = j.order_id WHERE j.id = ?1",
        job);
    if (!steps || !proofs || !lease || !wanted) {
        return tl::unexpected<base::Error>(!steps    ? steps.error()
                                           : !proofs ? proofs.error()
                                           : !lease  ? lease.error()
                                                     : wanted.error());
    }
    e.all_steps_ok = std::get<0>(**steps) == step_count;
    for (const auto& [kind, ok] : *proofs) {  // the newest of each kind counts
        (kind == "image" ? e.image_proven : e.serial_heard) = ok == 1;
    }
    e.lease_burned = std::get<0>(**lease) > 0;
    e.serial_wanted = !*wanted || std::get<0>(**wanted);
    return e;
}

Result<std::int64_t> close_job(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                               const core::Verdict& verdict) {
    const auto outcome = core::to_text(verdict.outcome);
    const auto message =
        verdict.error ? std::optional(base::mended_text(verdict.error->message)) : std::nullopt;
    if (auto done = run_one(
            tx.run("UPDATE job SET state = 'closed', outcome = ?1, ended_ms = ?2, code = ?3, "
                   "message = ?4"
                   " WHERE id = ?5 AND outcome IS NULL",
                   outcome, stamp.at_ms,
                   verdict.error ? std::optional(verdict.error->code) : std::nullopt, message, job),
            "verdict");
        !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    base::Json data{{"outcome", outcome}};
    if (verdict.error) {
        data["code"] = verdict.error->code;
        data["message"] = *message;
    }
    return append_of_job(tx, stamp, job, slot, "job.verdict", std::move(data));
}

Result<std::int64_t> acknowledge(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                                 const std::string& actor) {
    auto changed = tx.run(
        "UPDATE job SET acknowledged_ms = ?1, acknowledged_by = ?2 WHERE id = ?3 AND "
        "acknowledged_ms IS NULL"
        " AND outcome IS NOT NULL",
        stamp.at_ms, actor, job);
    if (auto done = run_one(std::move(changed), "acknowledgement"); !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    auto unit = tx.one<UnitId>("SELECT unit_id FROM job WHERE id = ?1", job);
    if (!unit) {
        return tl::unexpected<base::Error>(unit.error());
    }
    return append(
        tx, stamp,
        {"job.acknowledged", slot, std::get<0>(unit->value()), job, actor, base::Json::object()});
}

Result<std::string> once_begin(Tx& tx, const Stamp& stamp, JobId job, const std::string& name) {
    auto flash = tx.one<std::int64_t>(
        "SELECT id FROM step WHERE job_id = ?1 AND idx = 0 AND outcome = 'ok' ORDER BY id DESC "
        "LIMIT 1",
        job);
    if (!flash) {
        return tl::unexpected<base::Error>(flash.error());
    }
    if (!*flash) {
        return base::fail("ask.refused",
                          "No flash of this job is done, so nothing may be marked for it");
    }
    const std::int64_t flash_id = std::get<0>(**flash);
    auto mark = tx.one<std::string>(
        "SELECT state FROM once_mark WHERE flash_step_id = ?1 AND name = ?2", flash_id, name);
    if (!mark) {
        return tl::unexpected<base::Error>(mark.error());
    }
    if (*mark) {
        return std::get<0>(**mark);
    }
    auto row = tx.insert(
        "INSERT INTO once_mark (job_id, name, flash_step_id, state, at_ms) VALUES (?1, ?2, ?3, "
        "'begun', ?4)",
        job, name, flash_id, stamp.at_ms);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return std::string("new");
}

Status once_done(Tx& tx, const Stamp& stamp, JobId job, const std::string& name) {
    return run_one(
        tx.run("UPDATE once_mark SET state = 'done', at_ms = ?1 WHERE job_id = ?2 AND name = ?3 AND"
               " flash_step_id = (SELECT max(id) FROM step WHERE job_id = ?2 AND idx = 0 AND "
               "outcome = 'ok')",
               stamp.at_ms, job, name),
        "once mark");
}

}  // namespace lineside::journal
