-- SPDX-License-Identifier: Apache-2.0
-- Schema version 2: the truth store. What is new:
--   * the journal is a hash chain (event.prev, event.hash; station.head_*), its head is signed (anchor);
--   * a PASS has its birth certificate;
--   * a batch has a life of its own (loading, open, withdrawn, closed) and may belong to an order;
--   * every token ever seen is registered once (token), so a serial's token can be replaced and the old one
--     stays known; per-unit fields are leased with the serial;
--   * which keys seal and sign is on record.
-- It runs with foreign keys off (the station checks them before it commits): three tables are made anew.
-- Rows of a batch that is still loading are the only ones that may be deleted: nobody has seen them.

DROP VIEW record_v1;

-- == station ==========================================================================================
-- head_* is the last journal row as the station wrote it: a row behind it was written by somebody else.
ALTER TABLE station ADD COLUMN head_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE station ADD COLUMN head_hash BLOB NOT NULL
  DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(head_hash) = 32);
CREATE TRIGGER station_no_replace BEFORE INSERT ON station WHEN EXISTS (SELECT 1 FROM station)
BEGIN SELECT RAISE(ABORT, 'station: exists'); END;
CREATE TRIGGER station_fixed BEFORE UPDATE ON station WHEN NEW.id <> OLD.id OR NEW.created_ms <> OLD.created_ms
  OR NEW.epoch < OLD.epoch OR NEW.head_seq < OLD.head_seq
BEGIN SELECT RAISE(ABORT, 'station: forbidden change'); END;

CREATE TRIGGER image_kept BEFORE DELETE ON image BEGIN SELECT RAISE(ABORT, 'image: rows are never deleted'); END;
CREATE TRIGGER image_no_replace BEFORE INSERT ON image
  WHEN EXISTS (SELECT 1 FROM image WHERE id = NEW.id OR key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'image: exists'); END;
CREATE TRIGGER image_fixed BEFORE UPDATE OF id, key ON image WHEN NEW.id <> OLD.id OR NEW.key <> OLD.key
BEGIN SELECT RAISE(ABORT, 'image: id and key are fixed'); END;

-- == keys =============================================================================================
-- The master key whose first part seals tokens lies in the key file; here is which one was meant. The key
-- that judges uniqueness comes from the first master and stays for ever, sealed under each later master.
CREATE TABLE seal_key (
  id INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,               -- hex, as told in every sealed form
  mac_key_sealed BLOB,                       -- NULL: derived from this very master
  state TEXT NOT NULL CHECK (state IN ('current', 'retiring', 'retired')),
  made_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX seal_key_current ON seal_key(state) WHERE state = 'current';
CREATE TRIGGER seal_key_kept BEFORE DELETE ON seal_key BEGIN SELECT RAISE(ABORT, 'seal key: rows are never deleted'); END;
CREATE TRIGGER seal_key_no_replace BEFORE INSERT ON seal_key
  WHEN EXISTS (SELECT 1 FROM seal_key WHERE id = NEW.id OR key_id = NEW.key_id OR (state = 'current' AND NEW.state = 'current'))
BEGIN SELECT RAISE(ABORT, 'seal key: exists'); END;
CREATE TRIGGER seal_key_moves BEFORE UPDATE ON seal_key WHEN NEW.id <> OLD.id OR NEW.key_id <> OLD.key_id
  OR NEW.mac_key_sealed IS NOT OLD.mac_key_sealed OR NEW.made_ms <> OLD.made_ms OR NOT (NEW.state = OLD.state
  OR (OLD.state = 'current' AND NEW.state = 'retiring') OR (OLD.state = 'retiring' AND NEW.state = 'retired'))
BEGIN SELECT RAISE(ABORT, 'seal key: forbidden change'); END;

CREATE TABLE signing_key (
  key_id TEXT PRIMARY KEY NOT NULL,          -- first 16 hex digits of the SHA-256 of the public key
  public_pem TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  retired_ms INTEGER
) STRICT;
CREATE TRIGGER signing_key_kept BEFORE DELETE ON signing_key BEGIN SELECT RAISE(ABORT, 'signing key: rows are never deleted'); END;
CREATE TRIGGER signing_key_no_replace BEFORE INSERT ON signing_key
  WHEN EXISTS (SELECT 1 FROM signing_key WHERE rowid = NEW.rowid OR key_id = NEW.key_id)
BEGIN SELECT RAISE(ABORT, 'signing key: exists'); END;
CREATE TRIGGER signing_key_fixed BEFORE UPDATE ON signing_key WHEN NEW.rowid <> OLD.rowid OR NEW.key_id <> OLD.key_id
  OR NEW.public_pem <> OLD.public_pem OR NEW.from_ms <> OLD.from_ms
  OR (OLD.retired_ms IS NOT NULL AND NEW.retired_ms IS NOT OLD.retired_ms)
BEGIN SELECT RAISE(ABORT, 'signing key: is fixed'); END;

-- == batches ==========================================================================================
ALTER TABLE batch ADD COLUMN state TEXT NOT NULL DEFAULT 'loading'
  CHECK (state IN ('loading', 'open', 'withdrawn', 'closed'));
ALTER TABLE batch ADD COLUMN order_id INTEGER REFERENCES orders(id);   -- for this order alone; NULL: any of its pool
ALTER TABLE batch ADD COLUMN source TEXT NOT NULL DEFAULT 'file' CHECK (source IN ('file', 'generated'));
ALTER TABLE batch ADD COLUMN token_rule TEXT;                          -- JSON; how more tokens are generated
ALTER TABLE batch ADD COLUMN ended_ms INTEGER;                         -- withdrawn or closed
ALTER TABLE batch ADD COLUMN ended_by TEXT;
ALTER TABLE batch ADD COLUMN end_reason TEXT;
DROP TRIGGER batch_fixed;
UPDATE batch SET state = 'open';
DROP TRIGGER batch_kept;
CREATE TRIGGER batch_starts_loading BEFORE INSERT ON batch WHEN NEW.state <> 'loading'
BEGIN SELECT RAISE(ABORT, 'batch: must start loading'); END;
CREATE TRIGGER batch_fixed BEFORE UPDATE ON batch WHEN NEW.id <> OLD.id OR NEW.pool_id <> OLD.pool_id
  OR NEW.name <> OLD.name OR NEW.test_only <> OLD.test_only OR NEW.file_sha256 <> OLD.file_sha256
  OR NEW.count <> OLD.count OR NEW.loaded_ms <> OLD.loaded_ms OR NEW.loaded_by <> OLD.loaded_by
  OR NEW.source <> OLD.source OR NEW.token_rule IS NOT OLD.token_rule
  OR (NEW.order_id IS NOT OLD.order_id AND OLD.state <> 'loading')
  OR (OLD.ended_ms IS NOT NULL AND (NEW.ended_ms IS NOT OLD.ended_ms OR NEW.ended_by IS NOT OLD.ended_by
      OR NEW.end_reason IS NOT OLD.end_reason))
  OR NOT (NEW.state = OLD.state OR (OLD.state = 'loading' AND NEW.state = 'open')
      OR (OLD.state = 'open' AND NEW.state IN ('withdrawn', 'closed')))
BEGIN SELECT RAISE(ABORT, 'batch: is fixed'); END;
CREATE TRIGGER batch_ends_told BEFORE UPDATE OF state ON batch
  WHEN NEW.state IN ('withdrawn', 'closed') AND (NEW.ended_ms IS NULL OR coalesce(NEW.ended_by, '') = '')
BEGIN SELECT RAISE(ABORT, 'batch: who ended it, and when'); END;

-- Every token that ever was, by its MAC: live, spare or revoked, once. A load fills it in MAC order, so that
-- the one index without any order of its own costs a sweep instead of a seek for each row.
CREATE TABLE token (
  mac BLOB PRIMARY KEY NOT NULL CHECK (length(mac) = 32),
  batch_id INTEGER NOT NULL REFERENCES batch(id),
  serial_id INTEGER                          -- NULL: a spare one
) STRICT, WITHOUT ROWID;
CREATE TRIGGER token_no_replace BEFORE INSERT ON token WHEN EXISTS (SELECT 1 FROM token WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'token: exists'); END;
CREATE TRIGGER token_kept BEFORE DELETE ON token
  WHEN coalesce((SELECT state FROM batch WHERE id = OLD.batch_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'token: rows are never deleted'); END;
CREATE TRIGGER token_fixed BEFORE UPDATE ON token WHEN NEW.mac <> OLD.mac OR NEW.batch_id <> OLD.batch_id
  OR (OLD.serial_id IS NOT NULL AND NEW.serial_id IS NOT OLD.serial_id)
BEGIN SELECT RAISE(ABORT, 'token: is fixed'); END;

DROP TRIGGER lease_takes;
DROP TRIGGER lease_gives_back;
CREATE TABLE serial_2 (
  id INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL REFERENCES batch(id),
  value TEXT NOT NULL,
  value_key TEXT NOT NULL UNIQUE,            -- lower case: unique ignoring case
  token_sealed BLOB,                         -- AES-256-GCM; NULL only in a test-only batch
  token_mac BLOB CHECK (length(token_mac) = 32),  -- HMAC-SHA-256; unique by table token
  free INTEGER NOT NULL DEFAULT 1 CHECK (free IN (0, 1)),  -- 1 = no lease but released ones; kept by the
                                             -- triggers lease_takes and lease_gives_back alone
  CHECK ((token_sealed IS NULL) = (token_mac IS NULL))
) STRICT;
INSERT INTO serial_2 SELECT id, batch_id, value, value_key, token_sealed, token_mac, free FROM serial ORDER BY id;
INSERT INTO token SELECT token_mac, batch_id, id FROM serial WHERE token_mac IS NOT NULL ORDER BY token_mac;
DROP TABLE serial;
ALTER TABLE serial_2 RENAME TO serial;
CREATE INDEX serial_by_batch ON serial(batch_id);
CREATE INDEX serial_free ON serial(batch_id) WHERE free = 1;
CREATE TRIGGER batch_kept BEFORE DELETE ON batch WHEN OLD.state <> 'loading'
  OR EXISTS (SELECT 1 FROM serial WHERE batch_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'batch: rows are never deleted'); END;
CREATE TRIGGER batch_withdrawn_untouched BEFORE UPDATE OF state ON batch
  WHEN NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn' AND EXISTS (SELECT 1 FROM lease l JOIN serial s ON s.id = l.serial_id
    WHERE s.batch_id = NEW.id AND l.state <> 'released')
BEGIN SELECT RAISE(ABORT, 'batch: units have serials of it'); END;
CREATE TRIGGER serial_kept BEFORE DELETE ON serial
  WHEN coalesce((SELECT state FROM batch WHERE id = OLD.batch_id), '') <> 'loading'
  OR EXISTS (SELECT 1 FROM lease WHERE serial_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'serial: rows are never deleted'); END;
CREATE TRIGGER serial_no_replace BEFORE INSERT ON serial WHEN EXISTS (SELECT 1 FROM serial WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM serial WHERE value_key = NEW.value_key)
BEGIN SELECT RAISE(ABORT, 'serial: exists'); END;
CREATE TRIGGER serial_starts BEFORE INSERT ON serial WHEN NEW.free <> 1 OR NEW.value_key <> lower(NEW.value)
  OR (NEW.token_sealed IS NULL) <> (NEW.token_mac IS NULL)
  OR NOT EXISTS (SELECT 1 FROM batch WHERE id = NEW.batch_id AND state = 'loading'
                 AND (test_only = 1 OR NEW.token_sealed IS NOT NULL))
BEGIN SELECT RAISE(ABORT, 'serial: comes free, with its token, while its batch is loading'); END;
CREATE TRIGGER serial_registers AFTER INSERT ON serial WHEN NEW.token_mac IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM token WHERE mac = NEW.token_mac AND serial_id = NEW.id AND batch_id = NEW.batch_id)
BEGIN INSERT INTO token (mac, batch_id, serial_id) VALUES (NEW.token_mac, NEW.batch_id, NEW.id); END;
CREATE TRIGGER serial_fixed BEFORE UPDATE OF id, batch_id, value, value_key ON serial
BEGIN SELECT RAISE(ABORT, 'serial: value is fixed'); END;
CREATE TRIGGER serial_free_kept BEFORE UPDATE OF free ON serial WHEN NEW.free <> (NOT EXISTS (
  SELECT 1 FROM lease WHERE serial_id = NEW.id AND state <> 'released'))
BEGIN SELECT RAISE(ABORT, 'serial: free is what its leases say'); END;
-- The seal may be made anew (another key). Another token comes only when the old one is on record as revoked.
CREATE TRIGGER serial_token_kept BEFORE UPDATE OF token_sealed, token_mac ON serial WHEN
  (OLD.token_sealed IS NULL) <> (NEW.token_sealed IS NULL) OR (NEW.token_mac IS NOT OLD.token_mac AND (
    NOT EXISTS (SELECT 1 FROM token_revoked WHERE serial_id = OLD.id AND mac = OLD.token_mac)
    OR EXISTS (SELECT 1 FROM token_revoked WHERE mac = NEW.token_mac)
    OR NOT EXISTS (SELECT 1 FROM token WHERE mac = NEW.token_mac AND serial_id = NEW.id)))
BEGIN SELECT RAISE(ABORT, 'serial: token is fixed'); END;

-- Tokens a serial had before; which of a batch's tokens are kept for that.
CREATE TABLE token_revoked (
  id INTEGER PRIMARY KEY,
  serial_id INTEGER NOT NULL REFERENCES serial(id),
  mac BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL,
  at_ms INTEGER NOT NULL, by_user TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TRIGGER token_revoked_kept BEFORE DELETE ON token_revoked BEGIN SELECT RAISE(ABORT, 'revoked token: rows are never deleted'); END;
CREATE TRIGGER token_revoked_no_replace BEFORE INSERT ON token_revoked
  WHEN EXISTS (SELECT 1 FROM token_revoked WHERE id = NEW.id OR mac = NEW.mac)
  OR NOT EXISTS (SELECT 1 FROM serial WHERE id = NEW.serial_id AND token_mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'revoked token: exists, or is not the live one of its serial'); END;
CREATE TRIGGER token_revoked_fixed BEFORE UPDATE ON token_revoked WHEN NEW.id <> OLD.id OR NEW.serial_id <> OLD.serial_id
  OR NEW.mac <> OLD.mac OR NEW.at_ms <> OLD.at_ms OR NEW.by_user <> OLD.by_user OR NEW.reason <> OLD.reason
BEGIN SELECT RAISE(ABORT, 'revoked token: is fixed'); END;      -- but its seal, when the key changes

CREATE TABLE token_spare (
  id INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL REFERENCES batch(id),
  mac BLOB NOT NULL UNIQUE CHECK (length(mac) = 32), sealed BLOB NOT NULL,
  serial_id INTEGER REFERENCES serial(id)    -- the serial that took it
) STRICT;
CREATE INDEX token_spare_free ON token_spare(batch_id) WHERE serial_id IS NULL;
CREATE TRIGGER token_spare_kept BEFORE DELETE ON token_spare
  WHEN coalesce((SELECT state FROM batch WHERE id = OLD.batch_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'spare token: rows are never deleted'); END;
CREATE TRIGGER token_spare_no_replace BEFORE INSERT ON token_spare
  WHEN EXISTS (SELECT 1 FROM token_spare WHERE id = NEW.id OR mac = NEW.mac) OR NEW.serial_id IS NOT NULL
  OR coalesce((SELECT state FROM batch WHERE id = NEW.batch_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'spare token: exists, or its batch is not loading'); END;
CREATE TRIGGER token_spare_registers AFTER INSERT ON token_spare
  WHEN NOT EXISTS (SELECT 1 FROM token WHERE mac = NEW.mac AND batch_id = NEW.batch_id AND serial_id IS NULL)
BEGIN INSERT INTO token (mac, batch_id, serial_id) VALUES (NEW.mac, NEW.batch_id, NULL); END;
CREATE TRIGGER token_spare_fixed BEFORE UPDATE ON token_spare WHEN NEW.id <> OLD.id OR NEW.batch_id <> OLD.batch_id
  OR NEW.mac <> OLD.mac OR (OLD.serial_id IS NOT NULL AND NEW.serial_id IS NOT OLD.serial_id)
BEGIN SELECT RAISE(ABORT, 'spare token: is fixed'); END;

-- What a unit gets beside serial and token: written in the file (sealed where it is secret) or by template.
CREATE TABLE serial_field (
  serial_id INTEGER NOT NULL REFERENCES serial(id),
  name TEXT NOT NULL,
  value TEXT, sealed BLOB,
  PRIMARY KEY (serial_id, name),
  CHECK ((value IS NULL) <> (sealed IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER serial_field_kept BEFORE DELETE ON serial_field WHEN coalesce((SELECT b.state FROM serial s
  JOIN batch b ON b.id = s.batch_id WHERE s.id = OLD.serial_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'serial field: rows are never deleted'); END;
CREATE TRIGGER serial_field_no_replace BEFORE INSERT ON serial_field
  WHEN EXISTS (SELECT 1 FROM serial_field WHERE serial_id = NEW.serial_id AND name = NEW.name)
  OR coalesce((SELECT b.state FROM serial s JOIN batch b ON b.id = s.batch_id WHERE s.id = NEW.serial_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'serial field: exists, or its batch is not loading'); END;
CREATE TRIGGER serial_field_fixed BEFORE UPDATE ON serial_field WHEN NEW.serial_id <> OLD.serial_id OR NEW.name <> OLD.name
  OR NEW.value IS NOT OLD.value OR (NEW.sealed IS NULL) <> (OLD.sealed IS NULL)
BEGIN SELECT RAISE(ABORT, 'serial field: is fixed'); END;
CREATE TABLE batch_template (
  batch_id INTEGER NOT NULL REFERENCES batch(id),
  name TEXT NOT NULL, template TEXT NOT NULL,
  PRIMARY KEY (batch_id, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER batch_template_kept BEFORE DELETE ON batch_template
  WHEN coalesce((SELECT state FROM batch WHERE id = OLD.batch_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'batch template: rows are never deleted'); END;
CREATE TRIGGER batch_template_no_replace BEFORE INSERT ON batch_template
  WHEN EXISTS (SELECT 1 FROM batch_template WHERE batch_id = NEW.batch_id AND name = NEW.name)
  OR coalesce((SELECT state FROM batch WHERE id = NEW.batch_id), '') <> 'loading'
BEGIN SELECT RAISE(ABORT, 'batch template: exists, or its batch is not loading'); END;
CREATE TRIGGER batch_template_fixed BEFORE UPDATE ON batch_template
BEGIN SELECT RAISE(ABORT, 'batch template: is fixed'); END;

-- == orders, jobs =====================================================================================
ALTER TABLE orders ADD COLUMN rotate_token INTEGER NOT NULL DEFAULT 0 CHECK (rotate_token IN (0, 1));
ALTER TABLE orders ADD COLUMN allow_no_chip INTEGER NOT NULL DEFAULT 0 CHECK (allow_no_chip IN (0, 1));
CREATE TRIGGER orders_terms BEFORE UPDATE OF rotate_token, allow_no_chip, pool_id, model, profile ON orders
  WHEN NEW.rotate_token <> OLD.rotate_token OR NEW.allow_no_chip <> OLD.allow_no_chip OR NEW.pool_id <> OLD.pool_id
  OR NEW.model <> OLD.model OR NEW.profile <> OLD.profile
BEGIN SELECT RAISE(ABORT, 'order: its terms are fixed'); END;
CREATE INDEX unit_by_module ON unit(module_serial) WHERE module_serial IS NOT NULL;

ALTER TABLE job ADD COLUMN rework_reason TEXT;       -- why a unit that passed before is made again
ALTER TABLE job ADD COLUMN chip_check TEXT CHECK (chip_check IN ('before_write', 'after_boot', 'never'));
ALTER TABLE job ADD COLUMN token_change TEXT CHECK (token_change IN ('rotated', 'kept'));
DROP TRIGGER job_pass_is_proven;
CREATE TRIGGER job_pass_is_proven BEFORE UPDATE OF outcome ON job WHEN NEW.outcome = 'PASS' AND NOT (
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'image' AND ok = 1) AND
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'serial' AND ok = 1) AND
  EXISTS (SELECT 1 FROM lease WHERE unit_id = NEW.unit_id AND state = 'burned') AND
  (EXISTS (SELECT 1 FROM unit WHERE id = NEW.unit_id AND chip_id IS NOT NULL) OR
   EXISTS (SELECT 1 FROM orders WHERE id = NEW.order_id AND allow_no_chip = 1)))
BEGIN SELECT RAISE(ABORT, 'job: PASS without proof'); END;
CREATE TRIGGER proof_of_open_job BEFORE INSERT ON proof WHEN NOT EXISTS (SELECT 1 FROM job WHERE id = NEW.job_id AND outcome IS NULL)
BEGIN SELECT RAISE(ABORT, 'proof: its job has ended'); END;
DROP TRIGGER job_verdict_stays;
CREATE TRIGGER job_verdict_stays BEFORE UPDATE ON job WHEN OLD.outcome IS NOT NULL
  AND (NEW.outcome IS NOT OLD.outcome OR NEW.code IS NOT OLD.code OR NEW.unit_id <> OLD.unit_id
       OR NEW.order_id <> OLD.order_id OR NEW.image_key IS NOT OLD.image_key OR NEW.attempt <> OLD.attempt
       OR NEW.started_ms <> OLD.started_ms OR NEW.ended_ms IS NOT OLD.ended_ms OR NEW.actor <> OLD.actor)
BEGIN SELECT RAISE(ABORT, 'job: a verdict stays'); END;
CREATE TRIGGER step_ended_stays BEFORE UPDATE ON step WHEN OLD.outcome IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'step: has ended'); END;

-- == leases ===========================================================================================
CREATE TRIGGER lease_of_open_batch BEFORE INSERT ON lease WHEN NOT EXISTS (SELECT 1 FROM serial s
  JOIN batch b ON b.id = s.batch_id WHERE s.id = NEW.serial_id AND b.state = 'open')
BEGIN SELECT RAISE(ABORT, 'lease: its batch is not open'); END;
CREATE TRIGGER lease_voided_by_name BEFORE UPDATE OF state ON lease WHEN NEW.state = 'voided' AND OLD.state <> 'voided'
  AND (coalesce(NEW.reason, '') = '' OR coalesce(NEW.by_user, '') = '')
BEGIN SELECT RAISE(ABORT, 'lease: voided by whom, and why'); END;
CREATE TRIGGER lease_takes AFTER INSERT ON lease
BEGIN UPDATE serial SET free = 0 WHERE id = NEW.serial_id; END;
CREATE TRIGGER lease_gives_back AFTER UPDATE OF state ON lease WHEN NEW.state = 'released' AND OLD.state <> 'released'
BEGIN UPDATE serial SET free = 1 WHERE id = NEW.serial_id; END;

-- == the journal's chain ==============================================================================
-- hash = SHA-256 over the row before and this row (station/trust/event_chain.h).
CREATE TABLE event_2 (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  slot TEXT, unit_id INTEGER, job_id INTEGER, actor TEXT,
  data TEXT NOT NULL CHECK (data GLOB '{*}'),
  prev BLOB NOT NULL CHECK (length(prev) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO event_2 SELECT seq, at_ms, mono_ns, boot, epoch, kind, slot, unit_id, job_id, actor, data,
    substr(link, 1, 32), substr(link, 33)
  FROM (SELECT *, lineside_chain(seq, at_ms, mono_ns, boot, epoch, kind, slot, unit_id, job_id, actor, data) AS link
        FROM event ORDER BY seq);
DROP TABLE event;
ALTER TABLE event_2 RENAME TO event;
CREATE INDEX event_by_job ON event(job_id);
CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never deleted'); END;
CREATE TRIGGER event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never changed'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM event)
  AND EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'event: exists'); END;
CREATE TRIGGER event_chained BEFORE INSERT ON event WHEN length(NEW.hash) IS NOT 32 OR NEW.prev IS NOT coalesce(
  (SELECT hash FROM event ORDER BY seq DESC LIMIT 1), x'0000000000000000000000000000000000000000000000000000000000000000')
BEGIN SELECT RAISE(ABORT, 'event: does not follow the last one'); END;
CREATE TRIGGER event_in_order AFTER INSERT ON event WHEN NEW.seq < (SELECT max(seq) FROM event) OR NEW.seq < 1
BEGIN SELECT RAISE(ABORT, 'event: does not follow the last one'); END;
UPDATE station SET head_seq = (SELECT coalesce(max(seq), 0) FROM event),
  head_hash = coalesce((SELECT hash FROM event ORDER BY seq DESC LIMIT 1), head_hash);

CREATE TABLE anchor (
  seq INTEGER PRIMARY KEY,                   -- the journal row that was the head
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  at_ms INTEGER NOT NULL,
  key_id TEXT NOT NULL, signature BLOB NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('pass', 'hour', 'start', 'stop', 'backup', 'export'))
) STRICT;
CREATE TRIGGER anchor_kept BEFORE DELETE ON anchor BEGIN SELECT RAISE(ABORT, 'anchor: rows are never deleted'); END;
CREATE TRIGGER anchor_fixed BEFORE UPDATE ON anchor BEGIN SELECT RAISE(ABORT, 'anchor: rows are never changed'); END;
CREATE TRIGGER anchor_no_replace BEFORE INSERT ON anchor WHEN EXISTS (SELECT 1 FROM anchor WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'anchor: exists'); END;
CREATE TRIGGER anchor_holds AFTER INSERT ON anchor WHEN NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq AND hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'anchor: not in the journal'); END;

-- The birth certificate of each PASS: canonical JSON with its signature.
CREATE TABLE certificate (
  job_id INTEGER PRIMARY KEY REFERENCES job(id),
  unit_id INTEGER NOT NULL REFERENCES unit(id),
  seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  key_id TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TRIGGER certificate_kept BEFORE DELETE ON certificate BEGIN SELECT RAISE(ABORT, 'certificate: rows are never deleted'); END;
CREATE TRIGGER certificate_fixed BEFORE UPDATE ON certificate BEGIN SELECT RAISE(ABORT, 'certificate: rows are never changed'); END;
CREATE TRIGGER certificate_no_replace BEFORE INSERT ON certificate WHEN EXISTS (SELECT 1 FROM certificate WHERE job_id = NEW.job_id)
BEGIN SELECT RAISE(ABORT, 'certificate: exists'); END;
CREATE TRIGGER certificate_of_pass AFTER INSERT ON certificate WHEN NOT EXISTS (SELECT 1 FROM job
  WHERE id = NEW.job_id AND unit_id = NEW.unit_id AND outcome = 'PASS')
BEGIN SELECT RAISE(ABORT, 'certificate: its job did not pass'); END;

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
-- A released serial never left the station and goes to another unit: it belongs to no record.
LEFT JOIN lease l ON l.unit_id = u.id AND l.id = (SELECT max(l2.id) FROM lease l2
     WHERE l2.unit_id = u.id AND l2.state <> 'released')
LEFT JOIN serial s ON s.id = l.serial_id LEFT JOIN batch b ON b.id = s.batch_id
CROSS JOIN station st
WHERE j.outcome IS NOT NULL;
