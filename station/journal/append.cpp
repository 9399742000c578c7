// SPDX-License-Identifier: Apache-2.0
// The one place that writes journal rows: each is linked to the one before.
#include "station/journal/journal.h"
#include "station/trust/event_chain.h"

#include "station/base/log.h"

#include <algorithm>

namespace lineside::journal {
namespace {

// The end of the chain in the table, and where this program left it.
struct Head {
    std::int64_t seq = 0;  // highest ever given
    trust::Hash hash = trust::kChainStart;
    std::int64_t written_seq = 0;
    trust::Hash written_hash = trust::kChainStart;
    std::int64_t newest_ms = 0;
    [[nodiscard]] bool foreign() const { return seq != written_seq || hash != written_hash; }
};

Result<Head> read_head(Tx& tx) {
    auto written = tx.one<std::int64_t, db::Blob, std::int64_t>(
        "SELECT head_seq, head_hash, last_at_ms FROM station WHERE id = 1");
    auto last =
        tx.one<std::int64_t, db::Blob>("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1");
    auto given = tx.one<std::int64_t>("SELECT seq FROM sqlite_sequence WHERE name = 'event'");
    if (!written || !last || !given) {
        return tl::unexpected<base::Error>(
            (!written ? written.error() : (!last ? last.error() : given.error())));
    }
    Head head;
    if (*written) {
        head.written_seq = std::get<0>(**written);
        head.written_hash =
            trust::hash_from_bytes(std::get<1>(**written).bytes).value_or(trust::kChainStart);
        head.newest_ms = std::get<2>(**written);
    }
    if (*last) {
        head.seq = std::get<0>(**last);
        head.hash = trust::hash_from_bytes(std::get<1>(**last).bytes).value_or(trust::kChainStart);
    }
    // The numbers of rows that somebody cut off are never given again.
    head.seq = std::max({head.seq, head.written_seq, *given ? std::get<0>(**given) : 0});
    return head;
}

Status write_row(Tx& tx, Head& head, const Stamp& stamp, const Event& event) {
    trust::EventRow row;
    row.seq = head.seq + 1;
    row.at_ms = stamp.at_ms;
    row.mono_ns = stamp.mono_ns;
    row.boot = stamp.boot;
    row.epoch = stamp.epoch;
    row.kind = event.kind;
    row.slot = db::null_if_empty(event.slot);
    row.unit_id = event.unit ? std::optional(event.unit.value) : std::nullopt;
    row.job_id = event.job ? std::optional(event.job.value) : std::nullopt;
    row.actor = db::null_if_empty(event.actor);
    row.data = base::dump_json(event.data);
    const trust::Hash hash = trust::chain_hash(head.hash, row);
    auto written = tx.insert(
        "INSERT INTO event (seq, at_ms, mono_ns, boot, epoch, kind, slot, unit_id, job_id, actor, "
        "data, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        row.seq, row.at_ms, row.mono_ns, row.boot, row.epoch, row.kind, row.slot, row.unit_id,
        row.job_id, row.actor, row.data, db::Blob{trust::to_bytes(head.hash)},
        db::Blob{trust::to_bytes(hash)});
    if (!written) {
        return tl::unexpected<base::Error>(written.error());
    }
    head.seq = row.seq;
    head.hash = hash;
    return {};
}

}  // namespace

Result<std::int64_t> append(Tx& tx, const Stamp& stamp, const Event& event) {
    auto head = read_head(tx);
    if (!head) {
        return tl::unexpected<base::Error>(head.error());
    }
    if (head->foreign()) {
        base::log_error(
            "another program has changed the journal behind row {}; see lineside audit "
            "verify",
            head->written_seq);
        Event told{"journal.foreign", "", {}, {}, "", base::Json::object()};
        told.data = {{"expected_seq", head->written_seq}, {"found_seq", head->seq}};
        if (auto noted = write_row(tx, *head, stamp, told); !noted) {
            return tl::unexpected<base::Error>(noted.error());
        }
    }
    if (stamp.at_ms < head->newest_ms) {
        // Order comes from seq, so nothing breaks; but somebody reading times must be told.
        Event told{"clock.went_back", "", {}, {}, "", base::Json::object()};
        told.data = {{"was_ms", head->newest_ms}, {"is_ms", stamp.at_ms}};
        if (auto noted = write_row(tx, *head, stamp, told); !noted) {
            return tl::unexpected<base::Error>(noted.error());
        }
    }
    if (auto written = write_row(tx, *head, stamp, event); !written) {
        return tl::unexpected<base::Error>(written.error());
    }
    auto moved =
        tx.run("UPDATE station SET last_at_ms = ?1, head_seq = ?2, head_hash = ?3 WHERE id = 1",
               stamp.at_ms, head->seq, db::Blob{trust::to_bytes(head->hash)});
    if (!moved) {
        return tl::unexpected<base::Error>(moved.error());
    }
    return head->seq;
}

Result<std::int64_t> lease_moved(Tx& tx, const Stamp& stamp, base::LeaseId lease,
                                 const std::string& slot, const std::string& actor) {
    auto row =
        tx.one<std::string, std::string, base::UnitId, base::JobId, std::optional<std::string>>(
            "SELECT l.state, s.value, l.unit_id, coalesce(l.job_id, 0), l.reason FROM lease l"
            " JOIN serial s ON s.id = l.serial_id WHERE l.id = ?1",
            lease);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("station.bug", fmt::format("there is no lease {}", lease.value));
    }
    const auto& [state, serial, unit, job, reason] = **row;
    Event event{"lease." + state, slot, unit, job, actor, base::Json::object()};
    event.data = {{"serial", serial}, {"lease", lease.value}, {"state", state}};
    if (reason) {
        event.data["reason"] = *reason;
    }
    return append(tx, stamp, event);
}

}  // namespace lineside::journal
