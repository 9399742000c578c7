// SPDX-License-Identifier: Apache-2.0
#include "station/audit/certificate_facts.h"

namespace lineside::audit {
namespace {

using base::JobId;
using base::Result;
using base::Status;
using db::Tx;
using trust::CertificateFacts;
using Text = std::optional<std::string>;

Status add_job(Tx& tx, JobId job, CertificateFacts& facts) {
    auto row = tx.one<std::int64_t, std::int64_t, std::string, std::string, Text, Text, Text, Text,
                      Text, Text, std::int64_t, std::int64_t, Text, Text, Text, Text>(
        "SELECT j.unit_id, j.attempt, o.name, u.model, u.chip_id, u.module_serial, j.image_key,"
        " coalesce(i.tool_version, j.tool_version), j.actor, j.rework_reason, j.started_ms, "
        "j.ended_ms,"
        " (SELECT value FROM unit_serial WHERE unit_id = j.unit_id AND state = 'burned'),"
        " j.image_release, j.image_released_by, j.image_release_reason"
        " FROM job j JOIN unit u ON u.id = j.unit_id JOIN orders o ON o.id = j.order_id"
        " LEFT JOIN image i ON i.key = j.image_key WHERE j.id = ?1 AND j.outcome = 'PASS'",
        job);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("No job {} has passed", job.value));
    }
    Text image;
    Text serial;
    Text how;
    Text by;
    Text reason;
    facts.job = job.value;
    std::tie(facts.unit, facts.attempt, facts.order, facts.model, facts.chip_id,
             facts.module_serial, image, facts.tool_version, facts.person, facts.rework_reason,
             facts.started_ms, facts.ended_ms, serial, how, by, reason) = std::move(**row);
    facts.image_key = image.value_or("");
    facts.serial = serial.value_or("");
    if (how) {
        facts.release = CertificateFacts::Release{*how, by.value_or(""), reason};
    }
    for (Text* text :
         {&facts.module_serial, &facts.tool_version, &facts.person, &facts.rework_reason}) {
        if (*text && (*text)->empty()) {  // nothing is known, whichever way that was written
            text->reset();
        }
    }
    return {};
}

Status add_steps(Tx& tx, JobId job, CertificateFacts& facts) {
    auto rows = tx.all<std::string, std::int64_t, std::int64_t, std::int64_t, std::string>(
        "SELECT name, attempt, started_ms, ended_ms, outcome FROM step WHERE job_id = ?1"
        " AND outcome IS NOT NULL ORDER BY id",
        job);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (auto& [name, attempt, started, ended, outcome] : *rows) {
        facts.steps.push_back({std::move(name), attempt, started, ended, std::move(outcome)});
    }
    return {};
}

Status add_proofs(Tx& tx, JobId job, CertificateFacts& facts) {
    auto rows = tx.all<std::string, bool, std::string, std::string, std::int64_t>(
        "SELECT kind, ok, expected, heard, at_ms FROM proof WHERE job_id = ?1 ORDER BY id", job);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (auto& [kind, ok, expected, heard, at_ms] : *rows) {
        if (kind == "image" && ok) {
            facts.image_digest = expected;
        }
        facts.proofs.push_back({std::move(kind), ok, std::move(expected), std::move(heard), at_ms});
    }
    return {};
}

}  // namespace

Result<CertificateFacts> certificate_facts(Tx& tx, JobId job) {
    CertificateFacts facts;
    for (const auto add : {&add_job, &add_steps, &add_proofs}) {
        if (auto added = add(tx, job, facts); !added) {
            return tl::unexpected<base::Error>(added.error());
        }
    }
    return facts;
}

}  // namespace lineside::audit
