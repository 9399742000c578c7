-- SPDX-License-Identifier: Apache-2.0
-- Schema version 4: the same rules of a lease, fewer pages and programs. The index of all leases by unit is one of what ended,
-- beside that of what lives: a new lease writes one of them. Three triggers before the insert are one.
DROP VIEW record_v1;
DROP INDEX lease_by_unit;
CREATE INDEX lease_ended ON lease(unit_id) WHERE state = 'released' OR state = 'voided';
-- Where the next serial is looked for.
CREATE INDEX batch_open ON batch(pool_id, order_id) WHERE state = 'open';

DROP TRIGGER lease_starts_reserved;
DROP TRIGGER lease_no_replace;
DROP TRIGGER lease_of_open_batch;
CREATE TRIGGER lease_begins BEFORE INSERT ON lease
BEGIN SELECT CASE
  WHEN NEW.state <> 'reserved' THEN RAISE(ABORT, 'lease: must start reserved')
  WHEN EXISTS (SELECT 1 FROM lease WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM lease WHERE serial_id = NEW.serial_id AND state <> 'released')
    OR EXISTS (SELECT 1 FROM lease WHERE unit_id = NEW.unit_id AND state <> 'released' AND state <> 'voided')
    THEN RAISE(ABORT, 'lease: live lease exists')
  WHEN NOT EXISTS (SELECT 1 FROM serial s JOIN batch b ON b.id = s.batch_id WHERE s.id = NEW.serial_id AND b.state = 'open')
    THEN RAISE(ABORT, 'lease: its batch is not open')
END; END;

-- The serial a unit is on record with: that of its live lease, else the last that a person gave up (voided). A released one never
-- left the station and goes to another unit: it belongs to no record.
CREATE VIEW unit_lease AS SELECT id AS unit_id, coalesce(
    (SELECT id FROM lease WHERE unit_id = unit.id AND state <> 'released' AND state <> 'voided'),
    (SELECT max(id) FROM lease WHERE unit_id = unit.id AND state = 'voided' AND (state = 'released' OR state = 'voided'))) AS lease_id
FROM unit;
CREATE VIEW unit_serial AS SELECT ul.unit_id, l.id AS lease_id, l.state, s.id AS serial_id, s.value
FROM unit_lease ul JOIN lease l ON l.id = ul.lease_id JOIN serial s ON s.id = l.serial_id;

DROP TRIGGER job_pass_is_proven;
CREATE TRIGGER job_pass_is_proven BEFORE UPDATE OF outcome ON job WHEN NEW.outcome = 'PASS' AND NOT (
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'image' AND ok = 1) AND
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'serial' AND ok = 1) AND
  EXISTS (SELECT 1 FROM unit_serial WHERE unit_id = NEW.unit_id AND state = 'burned') AND
  (EXISTS (SELECT 1 FROM unit WHERE id = NEW.unit_id AND chip_id IS NOT NULL) OR
   EXISTS (SELECT 1 FROM orders WHERE id = NEW.order_id AND allow_no_chip = 1)))
BEGIN SELECT RAISE(ABORT, 'job: PASS without proof'); END;

-- What QA exports: one row per attempt, every column but sealed ones. Exports equal this view.
CREATE VIEW record_v1 AS
SELECT j.id AS job, u.id AS unit, j.attempt, s.value AS serial, l.state AS lease, b.name AS batch,
       u.chip_id, u.module_serial, j.slot, j.port, u.model, o.name AS "order", o.profile,
       j.image_key AS image, j.board, j.tool_version, j.outcome AS result, j.code, j.message,
       (SELECT ok FROM proof p WHERE p.job_id = j.id AND p.kind = 'image' ORDER BY p.id DESC LIMIT 1) AS image_proven,
       (SELECT ok FROM proof p WHERE p.job_id = j.id AND p.kind = 'serial' ORDER BY p.id DESC LIMIT 1) AS serial_heard,
       j.actor AS operator, st.name AS station, j.started_ms, j.ended_ms,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.started_ms / 1000.0, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.ended_ms / 1000.0, 'unixepoch') AS ended,
       j.acknowledged_ms, j.acknowledged_by, j.redactions,
       j.chip_check, j.rework_reason, j.token_change
FROM job j JOIN unit u ON u.id = j.unit_id JOIN orders o ON o.id = j.order_id
LEFT JOIN lease l ON l.id = (SELECT lease_id FROM unit_lease WHERE unit_id = u.id)
LEFT JOIN serial s ON s.id = l.serial_id LEFT JOIN batch b ON b.id = s.batch_id
CROSS JOIN station st
WHERE j.outcome IS NOT NULL;
