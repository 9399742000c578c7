// SPDX-License-Identifier: Apache-2.0
// The rules that one query can tell. Each gives, for a row that contradicts the journal, the number
// of the event it contradicts (or NULL) and a sentence.
#include "station/audit/state_rules.h"

namespace lineside::audit {
namespace {

// clang-format off
constexpr StateRule kRules[] = {
    // A verdict is the last job.verdict of its job, word for word.
    {Why::altered, R"(
SELECT e.seq, 'job ' || j.id || ': outcome, code, message, end, unit or slot is not what its verdict says'
FROM job j JOIN event e ON e.seq = (SELECT max(seq) FROM event WHERE job_id = j.id AND kind = 'job.verdict')
WHERE j.outcome IS NOT json_extract(e.data, '$.outcome') OR j.code IS NOT json_extract(e.data, '$.code')
   OR j.message IS NOT json_extract(e.data, '$.message') OR j.ended_ms IS NOT e.at_ms
   OR j.unit_id IS NOT e.unit_id OR j.slot IS NOT e.slot OR j.state <> 'closed')"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE job_id = j.id), 'job ' || j.id || ' has an outcome that no verdict gave it'
FROM job j WHERE j.outcome IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM event WHERE job_id = j.id AND kind = 'job.verdict'))"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE job_id = j.id), 'job ' || j.id || ' is open and has a code, a message or an acknowledgement'
FROM job j WHERE j.outcome IS NULL AND (j.code IS NOT NULL OR j.message IS NOT NULL OR j.ended_ms IS NOT NULL
   OR j.acknowledged_ms IS NOT NULL OR j.acknowledged_by IS NOT NULL))"},
    {Why::altered, R"(
SELECT e.seq, 'job ' || j.id || ': its start, slot, port, order, image or who started it is not what the journal says'
FROM job j JOIN event e ON e.seq = (SELECT min(seq) FROM event WHERE job_id = j.id AND kind = 'job.queued')
WHERE j.started_ms IS NOT e.at_ms OR j.slot IS NOT e.slot OR j.actor IS NOT coalesce(e.actor, '')
   OR j.port IS NOT json_extract(e.data, '$.port')
   OR (j.unit_id = e.unit_id AND j.attempt IS NOT json_extract(e.data, '$.attempt'))
   OR (json_extract(e.data, '$.order') IS NOT NULL AND (j.order_id IS NOT json_extract(e.data, '$.order')
       OR j.image_key IS NOT json_extract(e.data, '$.image'))))"},
    {Why::altered, R"(
SELECT e.seq, 'job ' || j.id || ': how its image was released is not what the journal says'
FROM job j JOIN event e ON e.seq = (SELECT min(seq) FROM event WHERE job_id = j.id AND kind = 'job.queued')
WHERE j.image_release IS NOT json_extract(e.data, '$.release')
   OR j.image_released_by IS NOT json_extract(e.data, '$.released_by')
   OR j.image_release_reason IS NOT json_extract(e.data, '$.release_reason'))"},
    {Why::altered, R"(
SELECT e.seq, 'image ' || i.key || ': a release or withdrawal is not what the journal says'
FROM event e LEFT JOIN image_release r ON r.id = json_extract(e.data, '$.release') LEFT JOIN image i ON i.id = r.image_id
WHERE e.kind = 'image.release'
   AND (i.key IS NOT json_extract(e.data, '$.image') OR r.kind IS NOT json_extract(e.data, '$.kind')
        OR r.by_user IS NOT e.actor OR r.at_ms IS NOT e.at_ms OR r.reason IS NOT json_extract(e.data, '$.reason')))"},
    {Why::inserted, R"(
SELECT NULL, 'image ' || i.key || ' has a release that the journal does not know'
FROM image_release r JOIN image i ON i.id = r.image_id
WHERE r.id NOT IN (SELECT json_extract(data, '$.release') FROM event WHERE kind = 'image.release'))"},
    {Why::altered, R"(
SELECT NULL, 'job ' || j.id || ' is not in the journal'
FROM job j WHERE NOT EXISTS (SELECT 1 FROM event WHERE job_id = j.id AND kind = 'job.queued'))"},
    {Why::removed, R"(
SELECT e.seq, 'job ' || e.job_id || ' is gone' FROM event e
WHERE e.kind = 'job.queued' AND NOT EXISTS (SELECT 1 FROM job WHERE id = e.job_id))"},
    {Why::altered, R"(
SELECT e.seq, 'unit ' || u.id || ': its model is not what the journal says'
FROM event e JOIN unit u ON u.id = e.unit_id
WHERE e.kind = 'job.queued' AND u.model IS NOT json_extract(e.data, '$.model'))"},
    {Why::altered, R"(
SELECT e.seq, 'job ' || j.id || ': its acknowledgement is not what the journal says'
FROM job j JOIN event e ON e.seq = (SELECT max(seq) FROM event WHERE job_id = j.id AND kind = 'job.acknowledged')
WHERE j.acknowledged_ms IS NOT e.at_ms OR j.acknowledged_by IS NOT e.actor)"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE job_id = j.id), 'job ' || j.id || ' was acknowledged by nobody'
FROM job j WHERE j.acknowledged_ms IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM event WHERE job_id = j.id AND kind = 'job.acknowledged'))"},
    // A job may move to the unit whose chip it met; its later rows name that unit.
    {Why::altered, R"(
SELECT e.seq, 'job ' || j.id || ' is of another unit than the journal says'
FROM job j JOIN event e ON e.seq = (SELECT max(seq) FROM event WHERE job_id = j.id
   AND kind IN ('job.queued', 'job.state', 'job.verdict', 'unit.chip_id'))
WHERE j.unit_id IS NOT e.unit_id)"},
    // Steps: started and ended as told. Older events do not say which attempt ended.
    {Why::altered, R"(
SELECT e.seq, 'job ' || e.job_id || ', step ' || json_extract(e.data, '$.step') || ': name or start is not what the journal says'
FROM event e LEFT JOIN step s ON s.job_id = e.job_id AND s.idx = json_extract(e.data, '$.index')
   AND s.attempt = json_extract(e.data, '$.attempt')
WHERE e.kind = 'step.started' AND (s.name IS NOT json_extract(e.data, '$.step') OR s.started_ms IS NOT e.at_ms))"},
    {Why::altered, R"(
SELECT e.seq, 'job ' || e.job_id || ', step ' || json_extract(e.data, '$.index') || ': its end is not what the journal says'
FROM event e LEFT JOIN step s ON s.job_id = e.job_id AND s.idx = json_extract(e.data, '$.index')
   AND s.attempt = json_extract(e.data, '$.attempt')
WHERE e.kind = 'step.ended' AND json_extract(e.data, '$.attempt') IS NOT NULL
   AND (s.outcome IS NOT json_extract(e.data, '$.outcome') OR s.code IS NOT json_extract(e.data, '$.code')
        OR s.ended_ms IS NOT e.at_ms))"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE job_id = s.job_id), 'job ' || s.job_id || ' has a step the journal does not know'
FROM step s WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.job_id = s.job_id AND e.kind = 'step.started'
   AND json_extract(e.data, '$.index') = s.idx AND json_extract(e.data, '$.attempt') = s.attempt))"},
    // Proofs: the event carries the row's number and what it says.
    {Why::altered, R"(
SELECT e.seq, 'job ' || e.job_id || ': its ' || substr(e.kind, 7) || ' proof is not what the journal says'
FROM event e LEFT JOIN proof p ON p.id = json_extract(e.data, '$.proof')
WHERE e.kind IN ('proof.image', 'proof.serial') AND json_extract(e.data, '$.proof') IS NOT NULL
   AND (p.job_id IS NOT e.job_id OR 'proof.' || p.kind IS NOT e.kind OR p.ok IS NOT json_extract(e.data, '$.ok')
        OR p.at_ms IS NOT e.at_ms OR p.expected IS NOT json_extract(e.data, '$.expected')
        OR p.heard IS NOT json_extract(e.data, '$.heard')))"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE job_id = p.job_id), 'job ' || p.job_id || ' has a proof the journal does not know'
FROM proof p WHERE (SELECT count(*) FROM proof WHERE job_id = p.job_id AND kind = p.kind)
   <> (SELECT count(*) FROM event WHERE job_id = p.job_id AND kind = 'proof.' || p.kind))"},
    // Leases: the last move that was told, of this lease or (older events) of this serial and unit.
    {Why::altered, R"(
SELECT e.seq, 'serial ' || s.value || ': its lease is ' || l.state || ', the journal says ' || substr(e.kind, 7)
FROM (SELECT json_extract(data, '$.lease') AS lease, max(seq) AS seq FROM event
      WHERE kind GLOB 'lease.*' AND json_extract(data, '$.lease') IS NOT NULL GROUP BY 1) last
JOIN event e ON e.seq = last.seq JOIN lease l ON l.id = last.lease JOIN serial s ON s.id = l.serial_id
WHERE 'lease.' || l.state IS NOT e.kind OR s.value IS NOT json_extract(e.data, '$.serial')
   OR l.unit_id IS NOT e.unit_id OR l.reason IS NOT json_extract(e.data, '$.reason') OR l.at_ms IS NOT e.at_ms)"},
    {Why::removed, R"(
SELECT e.seq, 'the lease of serial ' || json_extract(e.data, '$.serial') || ' is gone' FROM event e
WHERE e.kind GLOB 'lease.*' AND json_extract(e.data, '$.lease') IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM lease WHERE id = json_extract(e.data, '$.lease')))"},
    {Why::altered, R"(
SELECT NULL, 'serial ' || s.value || ' has a lease that is not in the journal'
FROM lease l JOIN serial s ON s.id = l.serial_id
WHERE l.id NOT IN (SELECT json_extract(data, '$.lease') FROM event
                   WHERE kind GLOB 'lease.*' AND json_extract(data, '$.lease') IS NOT NULL)
  AND s.value NOT IN (SELECT json_extract(data, '$.serial') FROM event
                      WHERE kind GLOB 'lease.*' AND json_extract(data, '$.lease') IS NULL))"},
    {Why::altered, R"(
SELECT e.seq, 'unit ' || u.id || ': its chip id is not what the journal says'
FROM (SELECT unit_id, max(seq) AS seq FROM event WHERE kind = 'unit.chip_id' GROUP BY 1) last
JOIN event e ON e.seq = last.seq JOIN unit u ON u.id = last.unit_id
WHERE u.chip_id IS NOT json_extract(e.data, '$.chip_id'))"},
    {Why::altered, R"(
SELECT (SELECT max(seq) FROM event WHERE unit_id = u.id), 'unit ' || u.id || ' has a chip id the journal does not know'
FROM unit u WHERE u.chip_id IS NOT NULL
   AND u.id NOT IN (SELECT unit_id FROM event WHERE kind = 'unit.chip_id' AND unit_id IS NOT NULL))"},
    {Why::altered, R"(
SELECT e.seq, 'order ' || json_extract(e.data, '$.order') || ' is not what the journal says'
FROM event e LEFT JOIN orders o ON o.name = json_extract(e.data, '$.order') LEFT JOIN pool p ON p.id = o.pool_id
WHERE e.kind = 'order.opened' AND (o.profile IS NOT json_extract(e.data, '$.profile')
   OR p.name IS NOT json_extract(e.data, '$.pool') OR o.opened_ms IS NOT e.at_ms))"},
    {Why::altered, R"(
SELECT e.seq, 'batch ' || json_extract(e.data, '$.batch') || ' is not what the journal says'
FROM event e LEFT JOIN batch b ON b.name = json_extract(e.data, '$.batch')
WHERE e.kind = 'batch.loaded' AND (b.count IS NOT json_extract(e.data, '$.count')
   OR json_extract(e.data, '$.count') IS NOT (SELECT count(*) FROM serial WHERE batch_id = b.id)))"},
    // What was signed is kept.
    {Why::removed, R"(
SELECT e.seq, 'the anchor of row ' || e.seq || ' is gone' FROM event e
WHERE e.kind IN ('journal.signed', 'certificate.signed') AND NOT EXISTS (SELECT 1 FROM anchor WHERE seq = e.seq))"},
    {Why::removed, R"(
SELECT e.seq, 'the certificate of job ' || e.job_id || ' is gone' FROM event e
WHERE e.kind = 'certificate.signed' AND NOT EXISTS (SELECT 1 FROM certificate WHERE job_id = e.job_id))"},
    {Why::inserted, R"(
SELECT c.seq, 'job ' || c.job_id || ' has a certificate that the journal does not know'
FROM certificate c WHERE NOT EXISTS (SELECT 1 FROM event WHERE job_id = c.job_id AND kind = 'certificate.signed'))"},
    {Why::removed, R"(
SELECT e.seq, 'signing key ' || json_extract(e.data, '$.key') || ' is gone' FROM event e
WHERE e.kind = 'signing.key' AND NOT EXISTS (SELECT 1 FROM signing_key WHERE key_id = json_extract(e.data, '$.key')))"},
};
// clang-format on

}  // namespace

std::span<const StateRule> state_rules() {
    return kRules;
}

}  // namespace lineside::audit
