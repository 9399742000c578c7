// SPDX-License-Identifier: Apache-2.0
#include "station/audit/state_check.h"

#include "station/audit/certificate_facts.h"
#include "station/audit/signer.h"
#include "station/audit/state_rules.h"
#include "station/base/json.h"
#include "station/base/text.h"

namespace lineside::audit {
namespace {

using base::Json;
using base::Result;
using base::Status;
using db::Tx;

// Keeps the finding whose event comes first.
class Earliest {
  public:
    void add(std::optional<std::int64_t> seq, Why why, std::string detail) {
        if (!found_ || (seq && (!found_->first_bad_seq || *seq < *found_->first_bad_seq))) {
            found_ = Finding{seq, why, std::move(detail)};
        }
    }
    [[nodiscard]] std::optional<Finding> take() { return std::move(found_); }

  private:
    std::optional<Finding> found_;
};

Status apply(Tx& tx, const StateRule& rule, Earliest& earliest) {
    return tx.each(rule.sql, {}, [&](const Tx::Row& row) {
        earliest.add(row.is_null(0) ? std::nullopt : std::optional(row.integer(0)), rule.why,
                     row.text(1));
        return true;
    });
}

struct CertificateRow {
    std::int64_t job = 0;
    std::int64_t unit = 0;
    std::int64_t seq = 0;
    std::int64_t at_ms = 0;
    std::string key;
    std::string body;
    std::optional<std::string> told_sha256;  // of the event that told of it
    std::int64_t told_ms = 0;
    bool later_job = false;  // of the same unit
};

// The fields that do not say what their rows say now. What a later job of the unit may have learned
// of it (chip id, module serial) is no contradiction.
Result<std::string> differing_field(Tx& tx, const CertificateRow& row, const Json& object) {
    auto facts = certificate_facts(tx, base::JobId(row.job));
    if (!facts) {
        if (facts.error().code == "request.unknown") {
            return std::string("outcome");
        }
        return tl::unexpected<base::Error>(facts.error());
    }
    Json now = trust::certificate_object(*facts);
    const bool more_is_known = object.at("chip_id").is_null() || row.later_job;
    for (const auto& [name, value] : now.items()) {
        const bool unit_fact =
            name == "chip_id" || name == "chip_id_waived" || name == "module_serial";
        const bool not_told = name == "image_release" && !object.contains(name);  // the first kind
        if (name == "station" || name == "journal" || not_told || (unit_fact && more_is_known)) {
            continue;
        }
        if (object.at(name) != value) {
            return name;
        }
    }
    return std::string();
}

Result<std::optional<std::string>> certificate_fault(Tx& tx, const CertificateRow& row,
                                                     const trust::PublicKeys& keys) {
    const auto read = trust::read_certificate(row.body, keys);
    if (!read) {
        return std::optional(trust::to_text(read.error()));
    }
    const Json& object = read->object;
    if (object.at("job") != row.job || object.at("unit") != row.unit ||
        read->anchor.seq != row.seq || object.at("key") != row.key || row.at_ms != row.told_ms) {
        return std::optional<std::string>("its row names another job, unit, row, time or key");
    }
    if (row.told_sha256 && *row.told_sha256 != base::sha256_hex(row.body)) {
        return std::optional<std::string>("it is not the one the journal tells of");
    }
    auto field = differing_field(tx, row, object);
    if (!field) {
        return tl::unexpected<base::Error>(field.error());
    }
    return field->empty() ? std::nullopt
                          : std::optional(fmt::format("the records say another {}", *field));
}

Status check_certificates(Tx& tx, const trust::PublicKeys& keys, Earliest& earliest) {
    // Row by row: bodies of a long history do not fit in memory.
    std::int64_t after = 0;
    while (true) {
        auto rows = tx.all<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::string,
                           std::string, std::optional<std::string>, std::int64_t, bool>(
            "SELECT c.job_id, c.unit_id, c.seq, c.at_ms, c.key_id, c.body,"
            " json_extract(e.data, '$.sha256'), coalesce(e.at_ms, 0),"
            " EXISTS (SELECT 1 FROM job l WHERE l.unit_id = c.unit_id AND l.id > c.job_id)"
            " FROM certificate c LEFT JOIN event e ON e.seq = (SELECT max(seq) FROM event"
            "   WHERE job_id = c.job_id AND kind = 'certificate.signed')"
            " WHERE c.job_id > ?1 ORDER BY c.job_id LIMIT 500",
            after);
        if (!rows) {
            return tl::unexpected<base::Error>(rows.error());
        }
        for (auto& [job, unit, seq, at, key, body, sha, told_ms, later] : *rows) {
            const CertificateRow row{job, unit, seq, at, key, std::move(body), sha, told_ms, later};
            auto fault = certificate_fault(tx, row, keys);
            if (!fault) {
                return tl::unexpected<base::Error>(fault.error());
            }
            if (*fault) {
                earliest.add(seq, Why::altered,
                             fmt::format("the certificate of job {}: {}", job, **fault));
            }
            after = job;
        }
        if (rows->empty()) {
            return {};
        }
    }
}

Status check_keys(Tx& tx, Earliest& earliest) {
    auto rows = tx.all<std::string, std::string, std::optional<std::int64_t>,
                       std::optional<std::string>>(
        "SELECT k.key_id, k.public_pem, e.seq, json_extract(e.data, '$.sha256') FROM signing_key k"
        " LEFT JOIN event e ON e.kind = 'signing.key' AND json_extract(e.data, '$.key') = "
        "k.key_id");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id, pem, seq, sha256] : *rows) {
        if (!sha256 || *sha256 != base::sha256_hex(pem)) {
            earliest.add(seq, Why::altered,
                         fmt::format("signing key {} is not the one the journal tells of", id));
        }
    }
    return {};
}

}  // namespace

Result<std::optional<Finding>> check_state(Tx& tx, const trust::PublicKeys& keys) {
    Earliest earliest;
    for (const StateRule& rule : state_rules()) {
        if (auto applied = apply(tx, rule, earliest); !applied) {
            return tl::unexpected<base::Error>(applied.error());
        }
    }
    if (auto checked = check_certificates(tx, keys, earliest); !checked) {
        return tl::unexpected<base::Error>(checked.error());
    }
    if (auto checked = check_keys(tx, earliest); !checked) {
        return tl::unexpected<base::Error>(checked.error());
    }
    return earliest.take();
}

}  // namespace lineside::audit
