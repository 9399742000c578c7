// SPDX-License-Identifier: Apache-2.0
#include "station/audit/signer.h"

#include "station/audit/certificate_facts.h"
#include "station/base/text.h"

namespace lineside::audit {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

// What a unit or a tool said has no say in whether the station works: told as what it is, so that
// the job ends with an error instead of waiting for a disk that is fine.
tl::unexpected<base::Error> cannot_sign(const base::Error& why) {
    return base::fail("signing.broken", why.message);
}

Result<Json> known_key(Tx& tx, const std::string& id) {
    auto row = tx.one<std::optional<std::int64_t>>(
        "SELECT retired_ms FROM signing_key WHERE key_id = ?1", id);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return *row ? Json(std::get<0>(**row).has_value()) : Json();
}

}  // namespace

Result<JournalHead> journal_head(Tx& tx) {
    auto row =
        tx.one<std::int64_t, db::Blob>("SELECT head_seq, head_hash FROM station WHERE id = 1");
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    const auto hash = *row ? trust::hash_from_bytes(std::get<1>(**row).bytes) : std::nullopt;
    if (!hash) {
        return base::fail("db.failed", "the journal has no head");
    }
    return JournalHead{std::get<0>(**row), *hash};
}

Result<bool> has_signing_key(Tx& tx) {
    auto row = tx.one<std::int64_t>("SELECT count(*) FROM signing_key");
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return std::get<0>(**row) > 0;
}

Status publish_keys(Tx& tx, const std::filesystem::path& folder) {
    auto rows = tx.all<std::string, std::string>("SELECT key_id, public_pem FROM signing_key");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id, pem] : *rows) {
        if (auto written = trust::publish_key(folder, id, pem); !written) {
            return written;
        }
    }
    return {};
}

Result<std::int64_t> Signer::begin(Tx& tx, const journal::Stamp& stamp) const {
    auto retired = known_key(tx, key_.id());
    if (!retired) {
        return tl::unexpected<base::Error>(retired.error());
    }
    if (*retired == true) {
        return base::fail("signing.broken",
                          fmt::format("signing key {} was retired; make a new one", key_.id()));
    }
    if (retired->is_null()) {
        auto before =
            tx.run("UPDATE signing_key SET retired_ms = ?1 WHERE retired_ms IS NULL", stamp.at_ms);
        auto row = before ? tx.run(
                                "INSERT INTO signing_key (key_id, public_pem, from_ms) VALUES "
                                "(?1, ?2, ?3)",
                                key_.id(), key_.public_pem(), stamp.at_ms)
                          : before;
        if (!row) {
            return row;
        }
        journal::Event told;
        told.kind = kSigningKey;
        told.data = {{"key", key_.id()}, {"sha256", base::sha256_hex(key_.public_pem())}};
        if (auto seq = journal::append(tx, stamp, told); !seq) {
            return seq;
        }
    }
    return sign_head(tx, stamp, "start");
}

Result<std::int64_t> Signer::sign_head(Tx& tx, const journal::Stamp& stamp,
                                       std::string_view why) const {
    journal::Event told;
    told.kind = kJournalSigned;
    told.data = {{"why", why}, {"key", key_.id()}, {"station", station_}};
    auto seq = journal::append(tx, stamp, told);
    if (!seq) {
        return seq;
    }
    if (auto kept = keep_anchor(tx, stamp, why); !kept) {
        return tl::unexpected<base::Error>(kept.error());
    }
    return seq;
}

Result<std::int64_t> Signer::sign_head_if_moved(Tx& tx, const journal::Stamp& stamp) const {
    auto last = tx.one<std::int64_t>(
        "SELECT head_seq > coalesce((SELECT max(seq) FROM anchor), 0) FROM station WHERE id = 1");
    if (!last) {
        return tl::unexpected<base::Error>(last.error());
    }
    return *last && std::get<0>(**last) == 1 ? sign_head(tx, stamp, "hour")
                                             : Result<std::int64_t>(0);
}

Status Signer::keep_anchor(Tx& tx, const journal::Stamp& stamp, std::string_view why) const {
    auto head = journal_head(tx);
    if (!head) {
        return tl::unexpected<base::Error>(head.error());
    }
    auto anchor = trust::sign_anchor({station_, head->seq, head->hash, stamp.at_ms, "", ""}, key_);
    if (!anchor) {
        return cannot_sign(anchor.error());
    }
    auto kept = tx.run(
        "INSERT INTO anchor (seq, hash, at_ms, key_id, signature, why) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6)",
        anchor->seq, db::Blob{trust::to_bytes(anchor->head)}, anchor->at_ms, anchor->key_id,
        db::Blob{anchor->signature}, why);
    return kept ? Status() : tl::unexpected<base::Error>(kept.error());
}

Result<std::int64_t> Signer::certify(Tx& tx, const journal::Stamp& stamp, base::JobId job,
                                     const std::string& slot) const {
    auto facts = certificate_facts(tx, job);
    auto head = journal_head(tx);
    if (!facts || !head) {
        return tl::unexpected<base::Error>(!facts ? facts.error() : head.error());
    }
    facts->station = station_;
    facts->seq = head->seq;
    facts->head = head->hash;
    auto body = trust::make_certificate(*facts, key_);
    if (!body) {
        return cannot_sign(body.error());
    }
    auto kept = tx.run(
        "INSERT INTO certificate (job_id, unit_id, seq, at_ms, key_id, body) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6)",
        job, facts->unit, head->seq, stamp.at_ms, key_.id(), *body);
    if (!kept) {
        return kept;
    }
    journal::Event told;
    told.kind = kCertificateSigned;
    told.slot = slot;
    told.unit = base::UnitId(facts->unit);
    told.job = job;
    told.data = {{"sha256", base::sha256_hex(*body)}, {"key", key_.id()}, {"station", station_}};
    auto seq = journal::append(tx, stamp, told);
    if (!seq) {
        return seq;
    }
    if (auto anchored = keep_anchor(tx, stamp, "pass"); !anchored) {
        return tl::unexpected<base::Error>(anchored.error());
    }
    return seq;
}

Result<std::string> Signer::anchor_of_head(Tx& tx, std::int64_t at_ms) const {
    auto head = journal_head(tx);
    if (!head) {
        return tl::unexpected<base::Error>(head.error());
    }
    auto anchor = trust::sign_anchor({station_, head->seq, head->hash, at_ms, "", ""}, key_);
    auto text = anchor ? trust::anchor_text(*anchor) : tl::unexpected<base::Error>(anchor.error());
    return text ? text : cannot_sign(text.error());
}

}  // namespace lineside::audit
