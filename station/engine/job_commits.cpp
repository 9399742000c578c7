// SPDX-License-Identifier: Apache-2.0
#include "station/engine/job_commits.h"

#include "serial-pool/token_rotation.h"
#include "station/base/broken.h"
#include "station/base/crash_point.h"
#include "station/engine/slot_judge.h"

namespace lineside::engine {
namespace {

using base::Json;
using base::Result;
using db::Tx;

serial_pool::Move move_of(const journal::Stamp& stamp, base::JobId job, std::string reason = {}) {
    serial_pool::Move move;
    move.job = job;
    move.epoch = stamp.epoch;
    move.at_ms = stamp.at_ms;
    move.reason = std::move(reason);
    return move;
}

// Carries out one Commit effect after the other and remembers the last sequence number.
struct Writer {
    Tx& tx;
    const JobCommit& c;
    JobCommitted done;

    base::Status keep(Result<std::int64_t> seq) {
        if (!seq) {
            return tl::unexpected<base::Error>(seq.error());
        }
        done.seq = *seq;
        return {};
    }
    base::Status operator()(const core::CommitState&) {
        return keep(journal::set_state(tx, c.stamp, c.job, c.slot, c.to));
    }
    base::Status operator()(const core::CommitStepStart& e) {
        auto started = journal::start_step(tx, c.stamp, c.job, c.slot, e.step,
                                           c.steps.at(static_cast<std::size_t>(e.step)), c.to);
        if (!started) {
            return tl::unexpected<base::Error>(started.error());
        }
        done.step_attempt = started->attempt;
        auto held = tx.one<base::SerialId, std::string, std::string, std::optional<db::Blob>>(
            "SELECT s.id, s.value, b.name, s.token_sealed FROM job j JOIN unit_serial held ON "
            "held.unit_id = j.unit_id JOIN serial s ON s.id = held.serial_id JOIN batch b ON b.id "
            "= s.batch_id WHERE j.id = ?1 AND held.state IN ('issued', 'in_doubt', 'burned')",
            c.job);
        if (!held) {
            return tl::unexpected<base::Error>(held.error());
        }
        if (*held) {
            auto& [id, serial, batch, sealed] = **held;
            serial_pool::Issued issued;
            issued.lease.serial = id;
            issued.lease.value = std::move(serial);
            issued.lease.batch = std::move(batch);
            issued.lease.has_token = sealed.has_value();
            issued.sealed = sealed ? std::move(sealed->bytes) : std::string();
            done.held = std::move(issued);
            auto fields = serial_pool::unit_fields(tx, id);
            if (!fields) {
                return tl::unexpected<base::Error>(fields.error());
            }
            done.fields = std::move(*fields);
        }
        return keep(started->seq);
    }
    base::Status operator()(const core::CommitStepEnd& e) {
        return keep(journal::end_step(tx, c.stamp, c.job, c.slot, e.step, e.error, e.stopped,
                                      c.redactions));
    }
    base::Status operator()(const core::CommitVerdict&) {
        auto evidence = journal::evidence(tx, c.job, static_cast<int>(c.steps.size()));
        if (!evidence) {
            return tl::unexpected<base::Error>(evidence.error());
        }
        evidence->image_proven |= base::broken("no-proof");
        core::Verdict verdict = core::decide(*evidence, c.ending);
        if (verdict.outcome != core::Outcome::pass) {
            auto settled =
                serial_pool::settle(tx, c.unit, move_of(c.stamp, c.job, verdict.error->code));
            if (!settled) {
                return tl::unexpected<base::Error>(settled.error());
            }
            if (*settled) {
                auto told = journal::lease_moved(tx, c.stamp, **settled, c.slot, "");
                if (!told) {
                    return tl::unexpected<base::Error>(told.error());
                }
            }
        }
        auto seq = journal::close_job(tx, c.stamp, c.job, c.slot, verdict);
        if (seq && verdict.outcome == core::Outcome::pass && c.signer &&
            !base::broken("no-proof")) {  // it would not be certified
            seq = c.signer->certify(tx, c.stamp, c.job, c.slot);
        }
        base::crash_point("verdict_written");
        done.verdict = std::move(verdict);
        return keep(std::move(seq));
    }
    template <typename Other>
    base::Status operator()(const Other&) {
        return {};  // acts are not ours
    }
};

// A lease that is given to the same unit once more does not move; that it was given is told.
Result<std::int64_t> tell_again(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                base::UnitId unit, const std::string& slot,
                                const std::string& serial) {
    return journal::append(tx, stamp,
                           {"serial.given_again", slot, unit, job, "", {{"serial", serial}}});
}

// Another token for a unit that is made again, where its order says so; once in a job.
base::Status rotate_if_wanted(Tx& tx, const serial_pool::TokenVault& vault,
                              const journal::Stamp& stamp, base::JobId job,
                              const serial_pool::Lease& lease, const std::string& slot) {
    auto wanted = tx.one<std::string>(
        "SELECT j.rework_reason FROM job j JOIN orders o ON o.id = j.order_id WHERE j.id = ?1 AND "
        "o.rotate_token = 1 AND j.rework_reason IS NOT NULL AND j.token_change IS NULL",
        job);
    if (!wanted || !*wanted) {
        return wanted ? base::Status() : tl::unexpected<base::Error>(wanted.error());
    }
    auto change =
        serial_pool::rotate_token(tx, vault, lease, move_of(stamp, job, std::get<0>(**wanted)));
    if (!change) {
        return tl::unexpected<base::Error>(change.error());
    }
    const std::string word(serial_pool::to_text(*change));
    auto noted = tx.run("UPDATE job SET token_change = ?1 WHERE id = ?2", word, job);
    if (!noted) {
        return tl::unexpected<base::Error>(noted.error());
    }
    auto told = journal::append(
        tx, stamp, {"token." + word, slot, lease.unit, job, "", {{"serial", lease.value}}});
    return told ? base::Status() : tl::unexpected<base::Error>(told.error());
}

// Told before the unit is touched, not when the step that needs it begins.
base::Status has_fields(Tx& tx, const serial_pool::Lease& lease,
                        const std::set<std::string>& wanted) {
    if (wanted.empty()) {
        return {};
    }
    auto fields = serial_pool::unit_fields(tx, lease.serial);
    if (!fields) {
        return tl::unexpected<base::Error>(fields.error());
    }
    for (const std::string& name : wanted) {
        if (std::none_of(fields->begin(), fields->end(),
                         [&](const serial_pool::UnitField& field) { return field.name == name; })) {
            return base::fail("pool.no_field",
                              fmt::format("Serial {} of batch {} has no {}, which the recipe needs",
                                          lease.value, lease.batch, name));
        }
    }
    return {};
}

}  // namespace

Result<JobCommitted> commit_effects(Tx& tx, const JobCommit& commit) {
    Writer writer{tx, commit, {}};
    for (const core::Effect& effect : commit.effects) {
        if (auto written = std::visit(writer, effect); !written) {
            return tl::unexpected<base::Error>(written.error());
        }
    }
    if (commit.judge_slot && writer.done.verdict) {
        auto closed = judge_slot(tx, commit.stamp, commit.job, commit.slot);
        if (!closed) {
            return tl::unexpected<base::Error>(closed.error());
        }
        if (*closed) {
            writer.done.seq = (*closed)->seq;
            writer.done.closed = std::move(*closed);
        }
    }
    return writer.done;
}

Result<Reservation> commit_reserve(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                   base::UnitId unit, const std::string& slot,
                                   const std::set<std::string>& fields) {
    auto order = tx.one<base::OrderId>("SELECT order_id FROM job WHERE id = ?1", job);
    if (!order) {
        return tl::unexpected<base::Error>(order.error());
    }
    auto lease = serial_pool::reserve(tx, unit, std::get<0>(order->value()), move_of(stamp, job));
    if (!lease) {
        return tl::unexpected<base::Error>(lease.error());
    }
    if (auto there = has_fields(tx, *lease, fields); !there) {
        return tl::unexpected<base::Error>(there.error());
    }
    auto seq = lease->state == serial_pool::LeaseState::reserved
                   ? journal::lease_moved(tx, stamp, lease->id, slot, "")
                   : tell_again(tx, stamp, job, unit, slot, lease->value);
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return Reservation{*seq, lease->value};
}

Result<journal::ChipBinding> commit_bind_chip(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                              base::UnitId unit, const std::string& slot,
                                              const std::string& chip,
                                              const std::set<std::string>& fields) {
    auto before = tx.one<base::UnitId>("SELECT unit_id FROM job WHERE id = ?1", job);
    if (!before) {
        return tl::unexpected<base::Error>(before.error());
    }
    if (*before) {
        unit = std::get<0>(**before);  // the row rules, not what the caller remembers
    }
    auto bound = journal::bind_chip(tx, stamp, job, unit, slot, chip);
    base::crash_point("chip_written");
    if (!bound || bound->live_elsewhere) {
        return bound;
    }
    auto passed = journal::refused_rework(tx, job, bound->unit);
    if (!passed) {
        return tl::unexpected<base::Error>(passed.error());
    }
    bound->passed_as = std::move(*passed);
    if (bound->unit == unit) {
        return bound;
    }
    auto adopted = serial_pool::adopt_unit(tx, unit, bound->unit, move_of(stamp, job, "same chip"));
    if (!adopted) {
        return tl::unexpected<base::Error>(adopted.error());
    }
    if (adopted->released) {
        auto told = journal::lease_moved(tx, stamp, *adopted->released, slot, "");
        if (!told) {
            return tl::unexpected<base::Error>(told.error());
        }
    }
    if (bound->passed_as) {  // it will not be made
        return bound;
    }
    if (adopted->live) {
        if (auto there = has_fields(tx, *adopted->live, fields); !there) {
            return tl::unexpected<base::Error>(there.error());
        }
    } else if (auto reserved = commit_reserve(tx, stamp, job, bound->unit, slot, fields);
               !reserved) {
        return tl::unexpected<base::Error>(reserved.error());
    }
    return bound;
}

Result<Issued> commit_issue(Tx& tx, const serial_pool::TokenVault& vault,
                            const journal::Stamp& stamp, base::JobId job, base::UnitId unit,
                            const std::string& slot, const std::set<std::string>& fields) {
    auto live = serial_pool::live_lease(tx, unit);
    if (!live) {
        return tl::unexpected<base::Error>(live.error());
    }
    if (!*live) {  // its reservation was given back when the service restarted
        auto reserved = commit_reserve(tx, stamp, job, unit, slot, fields);
        if (!reserved) {
            return tl::unexpected<base::Error>(reserved.error());
        }
        live = serial_pool::live_lease(tx, unit);
        if (!live || !*live) {
            return base::fail("lease.refused", "The unit has no lease");
        }
    }
    if (auto rotated = rotate_if_wanted(tx, vault, stamp, job, **live, slot); !rotated) {
        return tl::unexpected<base::Error>(rotated.error());
    }
    const serial_pool::LeaseState before = (*live)->state;
    auto issued = serial_pool::issue(tx, (*live)->id, move_of(stamp, job));
    if (!issued) {
        return tl::unexpected<base::Error>(issued.error());
    }
    auto seq = issued->lease.state != before
                   ? journal::lease_moved(tx, stamp, issued->lease.id, slot, "")
                   : tell_again(tx, stamp, job, unit, slot, issued->lease.value);
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return Issued{*seq, std::move(*issued)};
}

Result<ProofCommitted> commit_serial_proof(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                           base::UnitId unit, const std::string& slot,
                                           const std::string& heard) {
    auto live = serial_pool::live_lease(tx, unit);
    if (!live) {
        return tl::unexpected<base::Error>(live.error());
    }
    if (!*live) {
        return base::fail("lease.refused", "The unit has no lease");
    }
    const serial_pool::Lease& lease = **live;
    const bool equal = lease.value == heard;
    // What a unit says is kept as said, but never without a bound.
    auto seq = journal::add_proof(tx, stamp, job, slot,
                                  {"serial", equal, lease.value, heard.substr(0, 256), ""});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    base::crash_point("proof_written");
    ProofCommitted committed{*seq, std::nullopt};
    if (!equal) {
        committed.mismatch = base::make_error("serial.mismatch");
        return committed;
    }
    if (lease.state == serial_pool::LeaseState::burned) {
        return committed;  // heard before: nothing moves
    }
    if (auto burned = serial_pool::burn(tx, lease.id, move_of(stamp, job)); !burned) {
        return tl::unexpected<base::Error>(burned.error());
    }
    auto told = journal::lease_moved(tx, stamp, lease.id, slot, "");
    if (!told) {
        return tl::unexpected<base::Error>(told.error());
    }
    committed.seq = *told;
    return committed;
}

Result<ProofCommitted> commit_image_proof(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                          const std::string& slot,
                                          const std::string& expected_digest, const Json& heard) {
    const auto digest = base::field_or<std::string>(heard, "digest", "");
    const std::string said = digest ? digest->substr(0, 64) : "";
    const bool equal = !expected_digest.empty() && said == expected_digest;
    const Json detail{{"partitions", heard.value("partitions", 0)},
                      {"files", heard.value("files", 0)}};
    if (base::broken("no-proof")) {
        return ProofCommitted{};
    }
    auto seq = journal::add_proof(tx, stamp, job, slot,
                                  {"image", equal, expected_digest, said, base::dump_json(detail)});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return ProofCommitted{*seq,
                          equal ? std::nullopt : std::optional(base::make_error("image.mismatch"))};
}

}  // namespace lineside::engine
