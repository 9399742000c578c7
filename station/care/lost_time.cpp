// SPDX-License-Identifier: Apache-2.0
#include "station/care/lost_time.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace lineside::care {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

constexpr std::string_view kReason = "a backup of before was restored";

template <typename T>
Status status_of(const Result<T>& result) {
    return result ? Status() : tl::unexpected<base::Error>(result.error());
}
template <typename T>
tl::unexpected<base::Error> error_of(const Result<T>& result) {
    return tl::unexpected<base::Error>(result.error());
}

// ---------------------------------------------------------------- moves of leases

Status step_lease(Tx& tx, std::int64_t lease, std::string_view from, std::string_view to,
                  const journal::Stamp& stamp, const std::optional<std::string>& reason,
                  const std::optional<std::string>& by_user) {
    constexpr std::array<std::string_view, 4> kWay{"reserved", "issued", "in_doubt", "voided"};
    bool on_the_way = false;
    for (const std::string_view state : kWay) {
        if (on_the_way) {
            auto moved = tx.run(
                "UPDATE lease SET state = ?2, epoch = ?3, at_ms = ?4, reason = ?5, by_user = ?6"
                " WHERE id = ?1",
                lease, state, stamp.epoch, stamp.at_ms, reason, by_user);
            if (!moved) {
                return status_of(moved);
            }
            if (state == to) {
                return status_of(journal::lease_moved(tx, stamp, base::LeaseId(lease), "",
                                                      by_user.value_or("")));
            }
        }
        on_the_way = on_the_way || state == from;
    }
    return base::fail("station.bug", fmt::format("a lease cannot go from {} to {}", from, to));
}

struct OldLease {
    std::int64_t id = 0, serial = 0, unit = 0;
    std::string state;
    std::optional<std::string> reason, by_user, known;  // known: its state in the backup
};

// What the lost time did with it counts; what it ended in stands in doubt until a person looks:
// the proofs are gone.
Status bring_lease(Tx& tx, const OldLease& old, const journal::Stamp& stamp, TakenOver& taken) {
    const std::optional<std::string> reason =
        old.state == "voided" ? old.reason : std::optional<std::string>(kReason);
    const std::string to = old.state == "voided" ? "voided" : "in_doubt";
    if (old.state == "released") {
        if (old.known == "reserved") {
            auto released = tx.run(
                "UPDATE lease SET state = 'released', epoch = ?2, at_ms = ?3, reason = ?4 WHERE id "
                "= ?1",
                old.id, stamp.epoch, stamp.at_ms, reason);
            return released
                       ? status_of(journal::lease_moved(tx, stamp, base::LeaseId(old.id), "", ""))
                       : status_of(released);
        }
        return {};
    }
    if (!old.known) {
        auto made = tx.run(
            "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) SELECT ?1, "
            "?2, "
            "?3, (SELECT id FROM job WHERE unit_id = ?3 ORDER BY id DESC LIMIT 1), 'reserved', ?4, "
            "?5",
            old.id, old.serial, old.unit, stamp.epoch, stamp.at_ms);
        if (!made) {
            return status_of(made);
        }
    }
    const std::string from = old.known.value_or("reserved");
    if (from == to || from == "burned" || from == "voided") {
        return {};
    }
    if (auto moved = step_lease(tx, old.id, from, to, stamp, reason, old.by_user); !moved) {
        return moved;
    }
    taken.in_doubt += to == "in_doubt" ? 1 : 0;
    return {};
}

Status bring_leases(Tx& tx, const journal::Stamp& stamp, TakenOver& taken) {
    // Those the backup knows first: they make room for what came later.
    auto rows =
        tx.all<std::int64_t, std::int64_t, std::int64_t, std::string, std::optional<std::string>,
               std::optional<std::string>, std::optional<std::string>>(
            "SELECT o.id, o.serial_id, o.unit_id, o.state, o.reason, o.by_user, m.state FROM "
            "old.lease o"
            " LEFT JOIN main.lease m ON m.id = o.id WHERE m.id IS NULL OR m.state <> o.state"
            " ORDER BY m.id IS NULL, o.id");
    if (!rows) {
        return status_of(rows);
    }
    for (const auto& [id, serial, unit, state, reason, by_user, known] : *rows) {
        const OldLease lease{id, serial, unit, state, reason, by_user, known};
        if (auto brought = bring_lease(tx, lease, stamp, taken); !brought) {
            return brought;
        }
    }
    return {};
}

Status run_all(Tx& tx, std::initializer_list<const char*> statements) {
    for (const char* sql : statements) {
        if (auto ran = tx.run(sql); !ran) {
            return base::with_context(ran.error(), "what the old database knows");
        }
    }
    return {};
}

Status drop_loading_batches(Tx& tx) {
    return run_all(
        tx,
        {"DELETE FROM serial_field WHERE serial_id IN (SELECT s.id FROM serial s JOIN batch b ON "
         "b.id = s.batch_id WHERE b.state = 'loading')",
         "DELETE FROM batch_template WHERE batch_id IN (SELECT id FROM batch WHERE state = "
         "'loading')",
         "DELETE FROM serial WHERE batch_id IN (SELECT id FROM batch WHERE state = 'loading')",
         "DELETE FROM token WHERE batch_id IN (SELECT id FROM batch WHERE state = 'loading')",
         "DELETE FROM token_spare WHERE batch_id IN (SELECT id FROM batch WHERE state = 'loading')",
         "DELETE FROM batch WHERE state = 'loading'"});
}

// Whole batches that came after the backup: a person who missed one would load its file again.
Status bring_batches(Tx& tx, TakenOver& taken) {
    auto brought = run_all(
        tx,
        {"INSERT INTO main.pool (name, low_mark) SELECT name, low_mark FROM old.pool WHERE name "
         "NOT "
         "IN (SELECT name FROM main.pool)",
         "INSERT INTO temp.new_batch SELECT id FROM old.batch WHERE state <> 'loading' AND id NOT "
         "IN (SELECT id FROM main.batch)",
         "INSERT INTO main.batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
         "count, order_id, source, token_rule) SELECT b.id, (SELECT p.id FROM main.pool p JOIN "
         "old.pool q ON q.name = p.name WHERE q.id = b.pool_id), b.name, b.test_only, b.loaded_ms, "
         "b.loaded_by, b.file_sha256, b.count, (SELECT id FROM main.orders WHERE id = b.order_id), "
         "b.source, b.token_rule FROM old.batch b WHERE b.id IN (SELECT id FROM temp.new_batch)",
         "INSERT INTO main.token (mac, batch_id, serial_id) SELECT mac, batch_id, serial_id FROM "
         "old.token WHERE mac NOT IN (SELECT mac FROM main.token) AND batch_id IN (SELECT id FROM "
         "main.batch) ORDER BY mac",
         "INSERT INTO main.serial (id, batch_id, value, value_key, token_sealed, token_mac) SELECT "
         "id, batch_id, value, value_key, token_sealed, token_mac FROM old.serial WHERE batch_id "
         "IN "
         "(SELECT id FROM temp.new_batch) ORDER BY id",
         "INSERT INTO main.token_spare (id, batch_id, mac, sealed) SELECT id, batch_id, mac, "
         "sealed "
         "FROM old.token_spare WHERE batch_id IN (SELECT id FROM temp.new_batch)",
         "INSERT INTO main.serial_field (serial_id, name, value, sealed) SELECT f.serial_id, "
         "f.name, f.value, f.sealed FROM old.serial_field f JOIN old.serial s ON s.id = "
         "f.serial_id WHERE s.batch_id IN (SELECT id FROM temp.new_batch)",
         "INSERT INTO main.batch_template (batch_id, name, template) SELECT batch_id, name, "
         "template FROM old.batch_template WHERE batch_id IN (SELECT id FROM temp.new_batch)",
         "UPDATE main.batch SET state = 'open' WHERE id IN (SELECT id FROM temp.new_batch)"});
    if (!brought) {
        return brought;
    }
    auto names = tx.all<std::string>(
        "SELECT name FROM main.batch WHERE id IN (SELECT id FROM temp.new_batch) ORDER BY id");
    if (!names) {
        return status_of(names);
    }
    for (auto& [name] : *names) {
        taken.batches.push_back(std::move(name));
    }
    return {};
}

// Tokens that were replaced meanwhile: the unit has the new one.
Status bring_tokens(Tx& tx) {
    return run_all(
        tx,
        {"UPDATE main.token SET serial_id = (SELECT o.serial_id FROM old.token o WHERE o.mac = "
         "main.token.mac) WHERE serial_id IS NULL AND EXISTS (SELECT 1 FROM old.token o WHERE "
         "o.mac "
         "= main.token.mac AND o.serial_id IS NOT NULL)",
         "UPDATE main.token_spare SET serial_id = (SELECT o.serial_id FROM old.token_spare o WHERE "
         "o.id = main.token_spare.id) WHERE serial_id IS NULL AND EXISTS (SELECT 1 FROM "
         "old.token_spare o WHERE o.id = main.token_spare.id AND o.serial_id IS NOT NULL)",
         "INSERT INTO main.token_revoked (serial_id, mac, sealed, at_ms, by_user, reason) SELECT "
         "s.id, s.token_mac, s.token_sealed, r.at_ms, r.by_user, r.reason FROM main.serial s JOIN "
         "old.serial o ON o.id = s.id JOIN old.token_revoked r ON r.serial_id = s.id AND r.mac = "
         "s.token_mac WHERE o.token_mac <> s.token_mac",
         "UPDATE main.serial SET token_sealed = (SELECT o.token_sealed FROM old.serial o WHERE "
         "o.id "
         "= main.serial.id), token_mac = (SELECT o.token_mac FROM old.serial o WHERE o.id = "
         "main.serial.id) WHERE id IN (SELECT s.id FROM main.serial s JOIN old.serial o ON o.id = "
         "s.id WHERE o.token_mac <> s.token_mac)"});
}

Status bring_units(Tx& tx, const journal::Stamp& stamp) {
    auto brought = run_all(
        tx, {"INSERT INTO main.unit (id, model, first_ms) SELECT id, model, first_ms FROM old.unit "
             "WHERE id NOT IN (SELECT id FROM main.unit)",
             "UPDATE main.unit SET module_serial = (SELECT o.module_serial FROM old.unit o WHERE "
             "o.id = main.unit.id) WHERE module_serial IS NULL"});
    auto chips = brought ? tx.all<std::int64_t, std::string>(
                               "SELECT o.id, o.chip_id FROM old.unit o JOIN main.unit m ON m.id = "
                               "o.id WHERE m.chip_id IS NULL AND o.chip_id IS NOT NULL")
                         : tl::unexpected<base::Error>(brought.error());
    if (!chips) {
        return status_of(chips);
    }
    for (const auto& [unit, chip] : *chips) {
        auto known = tx.run("UPDATE unit SET chip_id = ?2 WHERE id = ?1", unit, chip);
        if (!known) {
            return status_of(known);
        }
        journal::Event told{"unit.chip_id", "", base::UnitId(unit), {}, "", Json::object()};
        told.data = {{"chip_id", chip}};
        if (auto seq = journal::append(tx, stamp, told); !seq) {
            return status_of(seq);
        }
    }
    return {};
}

// Batches that ended meanwhile.
Status end_batches(Tx& tx) {
    return run_all(
        tx,
        {"UPDATE main.batch SET ended_ms = (SELECT o.ended_ms FROM old.batch o WHERE o.id = "
         "main.batch.id), ended_by = (SELECT o.ended_by FROM old.batch o WHERE o.id = "
         "main.batch.id), end_reason = (SELECT o.end_reason FROM old.batch o WHERE o.id = "
         "main.batch.id), state = (SELECT o.state FROM old.batch o WHERE o.id = main.batch.id) "
         "WHERE state = 'open' AND EXISTS (SELECT 1 FROM old.batch o WHERE o.id = main.batch.id "
         "AND o.state IN ('withdrawn', 'closed'))"});
}

Status give_up(Tx& tx, const journal::Stamp& stamp, std::int64_t unit, std::int64_t serial,
               const std::string& by_user) {
    auto lease = tx.insert(
        "INSERT INTO lease (serial_id, unit_id, state, epoch, at_ms) VALUES (?1, ?2, 'reserved', "
        "?3, ?4)",
        serial, unit, stamp.epoch, stamp.at_ms);
    return lease
               ? step_lease(tx, *lease, "reserved", "voided", stamp, std::string(kReason), by_user)
               : status_of(lease);
}

}  // namespace

Result<TakenOver> take_over(Tx& tx, const journal::Stamp& stamp) {
    TakenOver taken;
    Status done = run_all(tx, {"CREATE TEMP TABLE new_batch (id INTEGER PRIMARY KEY)"});
    if (done) {
        done = drop_loading_batches(tx);
    }
    if (done) {
        done = bring_batches(tx, taken);
    }
    if (done) {
        done = bring_tokens(tx);
    }
    if (done) {
        done = bring_units(tx, stamp);
    }
    if (done) {
        done = bring_leases(tx, stamp, taken);
    }
    if (done) {
        done = end_batches(tx);
    }
    if (done) {
        done =
            run_all(tx, {"UPDATE main.station SET epoch = max(epoch, coalesce((SELECT epoch FROM "
                         "old.station), 0))",
                         "DROP TABLE temp.new_batch"});
    }
    return done ? Result<TakenOver>(std::move(taken)) : tl::unexpected<base::Error>(done.error());
}

Result<SetAside> set_aside(Tx& tx, const journal::Stamp& stamp,
                           std::optional<std::int64_t> jobs_since, const std::string& by_user) {
    SetAside aside;
    auto open = tx.all<std::int64_t, std::string>(
        "SELECT id, state FROM lease WHERE state <> 'released' AND state <> 'burned'"
        " AND state IN ('reserved', 'issued') ORDER BY id");
    if (!open) {
        return error_of(open);
    }
    for (const auto& [id, state] : *open) {
        auto moved = step_lease(tx, id, state, "in_doubt", stamp, std::string(kReason), {});
        if (!moved) {
            return tl::unexpected<base::Error>(moved.error());
        }
        ++aside.in_doubt;
    }
    auto batches = tx.all<std::int64_t, std::string>(
        "SELECT id, name FROM batch WHERE state = 'open' ORDER BY id");
    if (!batches) {
        return error_of(batches);
    }
    if (!jobs_since) {
        for (const auto& [id, name] : *batches) {
            auto closed = tx.run(
                "UPDATE batch SET state = 'closed', ended_ms = ?2, ended_by = ?3, end_reason = ?4"
                " WHERE id = ?1",
                id, stamp.at_ms, by_user, kReason);
            journal::Event told{"batch.closed", "", {}, {}, by_user, Json::object()};
            told.data = {{"batch", name}, {"reason", kReason}};
            auto seq = closed ? journal::append(tx, stamp, told) : closed;
            if (!seq) {
                return error_of(seq);
            }
            aside.closed.push_back(name);
        }
        return aside;
    }
    // Serials are given in the order of their numbers, one to a job at a time: so many jobs cannot
    // have reached beyond so many of a batch, nor those that were open when the backup was made.
    auto begun = tx.one<std::int64_t>("SELECT count(*) FROM job WHERE outcome IS NULL");
    auto unit = tx.insert("INSERT INTO unit (model, first_ms) VALUES ('unknown', ?1)", stamp.at_ms);
    if (!begun || !unit) {
        return begun ? error_of(unit) : error_of(begun);
    }
    const std::int64_t most = *jobs_since + std::get<0>(**begun);
    for (const auto& [id, name] : *batches) {
        auto serials = tx.all<std::int64_t>(
            "SELECT id FROM serial WHERE batch_id = ?1 AND free = 1 ORDER BY id LIMIT ?2", id,
            most);
        if (!serials) {
            return error_of(serials);
        }
        for (const auto& [serial] : *serials) {
            if (auto gone = give_up(tx, stamp, *unit, serial, by_user); !gone) {
                return tl::unexpected<base::Error>(gone.error());
            }
            ++aside.serials;
        }
    }
    return aside;
}

}  // namespace lineside::care
