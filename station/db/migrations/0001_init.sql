-- SPDX-License-Identifier: Apache-2.0
-- Schema version 1. The tables are the truth of the station; the triggers and partial indexes refuse
-- every wrong move by themselves, whoever connects. Times: at_ms = UTC milliseconds, mono_ns = since
-- boot `boot`. Order is `event.seq`, never a time.
--
-- Every *_no_replace trigger looks for the conflict itself: OR REPLACE would delete the old row without
-- firing a delete trigger on a connection with recursive_triggers off (the sqlite3 shell's default).
-- No JSON function here: SQLite 3.40 calls them unsafe in a schema under trusted_schema=OFF.

CREATE TABLE station (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,          -- one life of the service
  last_at_ms INTEGER NOT NULL DEFAULT 0      -- newest time written, to notice a clock that went back
) STRICT;
CREATE TRIGGER station_kept BEFORE DELETE ON station BEGIN SELECT RAISE(ABORT, 'station: the row is never deleted'); END;

CREATE TABLE pool (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  low_mark INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER pool_kept BEFORE DELETE ON pool BEGIN SELECT RAISE(ABORT, 'pool: rows are never deleted'); END;
CREATE TRIGGER pool_no_replace BEFORE INSERT ON pool
  WHEN EXISTS (SELECT 1 FROM pool WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'pool: exists'); END;
CREATE TRIGGER pool_fixed BEFORE UPDATE OF id, name ON pool WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name
BEGIN SELECT RAISE(ABORT, 'pool: id and name are fixed'); END;

CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  pool_id INTEGER NOT NULL REFERENCES pool(id),
  name TEXT NOT NULL UNIQUE,
  test_only INTEGER NOT NULL DEFAULT 0 CHECK (test_only IN (0, 1)),
  loaded_ms INTEGER NOT NULL,
  loaded_by TEXT NOT NULL,
  file_sha256 TEXT NOT NULL,
  count INTEGER NOT NULL
) STRICT;

CREATE TABLE serial (
  id INTEGER PRIMARY KEY,
  batch_id INTEGER NOT NULL REFERENCES batch(id),
  value TEXT NOT NULL,
  value_key TEXT NOT NULL UNIQUE,            -- lower case: unique ignoring case
  token_sealed BLOB,                         -- AES-256-GCM; NULL only in a test-only batch
  token_mac BLOB UNIQUE,                     -- HMAC-SHA-256 under a second key, for uniqueness
  free INTEGER NOT NULL DEFAULT 1 CHECK (free IN (0, 1))  -- 1 = no lease but released ones; kept by the
                                             -- triggers lease_takes and lease_gives_back alone
) STRICT;
CREATE INDEX serial_by_batch ON serial(batch_id);
CREATE INDEX serial_free ON serial(batch_id) WHERE free = 1;
CREATE TRIGGER serial_kept BEFORE DELETE ON serial
BEGIN SELECT RAISE(ABORT, 'serial: rows are never deleted'); END;
CREATE TRIGGER serial_fixed BEFORE UPDATE OF id, batch_id, value, value_key ON serial
BEGIN SELECT RAISE(ABORT, 'serial: value is fixed'); END;
CREATE TRIGGER serial_no_replace BEFORE INSERT ON serial WHEN EXISTS (SELECT 1 FROM serial
  WHERE id = NEW.id OR value_key = NEW.value_key OR (NEW.token_mac IS NOT NULL AND token_mac = NEW.token_mac))
BEGIN SELECT RAISE(ABORT, 'serial: exists'); END;
CREATE TRIGGER serial_token BEFORE INSERT ON serial WHEN (NEW.token_sealed IS NULL) <> (NEW.token_mac IS NULL)
  OR (NEW.token_sealed IS NULL AND (SELECT test_only FROM batch WHERE id = NEW.batch_id) = 0)
BEGIN SELECT RAISE(ABORT, 'serial: token missing'); END;
-- The seal may be made anew (another key), never taken away; the token stays unique.
CREATE TRIGGER serial_token_kept BEFORE UPDATE OF token_sealed, token_mac ON serial
  WHEN (NEW.token_sealed IS NULL) <> (NEW.token_mac IS NULL) OR (NEW.token_sealed IS NULL AND OLD.token_sealed IS NOT NULL)
  OR EXISTS (SELECT 1 FROM serial WHERE token_mac = NEW.token_mac AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'serial: token is fixed'); END;
CREATE TRIGGER batch_kept BEFORE DELETE ON batch
BEGIN SELECT RAISE(ABORT, 'batch: rows are never deleted'); END;
CREATE TRIGGER batch_no_replace BEFORE INSERT ON batch
  WHEN EXISTS (SELECT 1 FROM batch WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'batch: exists'); END;
CREATE TRIGGER batch_fixed BEFORE UPDATE ON batch WHEN NEW.id <> OLD.id OR NEW.pool_id <> OLD.pool_id
  OR NEW.name <> OLD.name OR NEW.test_only <> OLD.test_only OR NEW.file_sha256 <> OLD.file_sha256
BEGIN SELECT RAISE(ABORT, 'batch: is fixed'); END;
CREATE INDEX batch_by_pool ON batch(pool_id);

CREATE TABLE image (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,                  -- content key (hex64): covers every input of the build
  profile TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'broken', 'retired')),
  digest TEXT,                               -- digest of the expected proof (hex64), once ready
  partitions INTEGER, files INTEGER, bytes INTEGER,
  builds INTEGER NOT NULL DEFAULT 0,         -- how often --no-flash really ran for this key
  tool_version TEXT, built_ms INTEGER
) STRICT;

CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  profile TEXT NOT NULL,
  model TEXT NOT NULL,
  image_id INTEGER REFERENCES image(id),
  pool_id INTEGER NOT NULL REFERENCES pool(id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  state TEXT NOT NULL CHECK (state IN ('open', 'paused', 'closed')),
  opened_ms INTEGER NOT NULL, opened_by TEXT NOT NULL
) STRICT;
CREATE TRIGGER orders_kept BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'order: rows are never deleted'); END;
CREATE TRIGGER orders_no_replace BEFORE INSERT ON orders
  WHEN EXISTS (SELECT 1 FROM orders WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'order: exists'); END;
CREATE TRIGGER orders_fixed BEFORE UPDATE OF id, name ON orders WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name
BEGIN SELECT RAISE(ABORT, 'order: id and name are fixed'); END;

CREATE TABLE unit (
  id INTEGER PRIMARY KEY,
  chip_id TEXT UNIQUE,                       -- BR_CID as the boot ROM gave it, once known
  module_serial TEXT,
  model TEXT NOT NULL,
  first_ms INTEGER NOT NULL
) STRICT;
CREATE TRIGGER unit_kept BEFORE DELETE ON unit BEGIN SELECT RAISE(ABORT, 'unit: rows are never deleted'); END;
CREATE TRIGGER unit_no_replace BEFORE INSERT ON unit
  WHEN EXISTS (SELECT 1 FROM unit WHERE id = NEW.id OR chip_id = NEW.chip_id)
BEGIN SELECT RAISE(ABORT, 'unit: exists'); END;
CREATE TRIGGER unit_fixed BEFORE UPDATE OF id, chip_id ON unit
  WHEN NEW.id <> OLD.id OR (OLD.chip_id IS NOT NULL AND NEW.chip_id IS NOT OLD.chip_id)
  OR EXISTS (SELECT 1 FROM unit WHERE chip_id = NEW.chip_id AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'unit: a chip id is of one unit for ever'); END;

CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  unit_id INTEGER NOT NULL REFERENCES unit(id),
  order_id INTEGER NOT NULL REFERENCES orders(id),
  slot TEXT NOT NULL, port TEXT NOT NULL,
  attempt INTEGER NOT NULL,                  -- of this unit, from 1
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,                       -- core::JobState as text
  outcome TEXT CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'ABORTED')),
  code TEXT, message TEXT,                   -- of a job that did not pass
  image_key TEXT,
  board TEXT,                                -- board id, sku, fab as read, JSON
  tool_version TEXT,
  actor TEXT NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER,
  started_mono_ns INTEGER NOT NULL, boot TEXT NOT NULL,
  acknowledged_ms INTEGER, acknowledged_by TEXT,
  redactions INTEGER NOT NULL DEFAULT 0,
  CHECK ((outcome IS NULL) = (ended_ms IS NULL))
) STRICT;
CREATE INDEX job_by_unit ON job(unit_id);
CREATE INDEX job_passed ON job(order_id, unit_id) WHERE outcome = 'PASS';
CREATE UNIQUE INDEX job_one_live_per_slot ON job(slot) WHERE outcome IS NULL;

CREATE TABLE step (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id),
  idx INTEGER NOT NULL, name TEXT NOT NULL, method TEXT NOT NULL, attempt INTEGER NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER,
  outcome TEXT CHECK (outcome IN ('ok', 'failed', 'interrupted', 'stopped')),
  code TEXT, message TEXT,
  UNIQUE (job_id, idx, attempt)
) STRICT;
CREATE TRIGGER step_kept BEFORE DELETE ON step BEGIN SELECT RAISE(ABORT, 'step: rows are never deleted'); END;
CREATE TRIGGER step_no_replace BEFORE INSERT ON step WHEN EXISTS (SELECT 1 FROM step
  WHERE id = NEW.id OR (job_id = NEW.job_id AND idx = NEW.idx AND attempt = NEW.attempt))
BEGIN SELECT RAISE(ABORT, 'step: exists'); END;
CREATE TRIGGER step_fixed BEFORE UPDATE OF id, job_id, idx, attempt ON step
  WHEN NEW.id <> OLD.id OR NEW.job_id <> OLD.job_id OR NEW.idx <> OLD.idx OR NEW.attempt <> OLD.attempt
BEGIN SELECT RAISE(ABORT, 'step: is fixed'); END;

-- What proves a PASS. Rows are facts: never changed, never deleted.
CREATE TABLE proof (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id),
  kind TEXT NOT NULL CHECK (kind IN ('image', 'serial')),
  ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
  expected TEXT NOT NULL, heard TEXT NOT NULL, detail TEXT,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX proof_by_job ON proof(job_id);
CREATE TRIGGER proof_kept BEFORE DELETE ON proof BEGIN SELECT RAISE(ABORT, 'proof: rows are never deleted'); END;
CREATE TRIGGER proof_fixed BEFORE UPDATE ON proof BEGIN SELECT RAISE(ABORT, 'proof: rows are never changed'); END;
CREATE TRIGGER proof_no_replace BEFORE INSERT ON proof WHEN EXISTS (SELECT 1 FROM proof WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'proof: exists'); END;

CREATE TABLE lease (
  id INTEGER PRIMARY KEY,
  serial_id INTEGER NOT NULL REFERENCES serial(id),
  unit_id   INTEGER NOT NULL REFERENCES unit(id),
  job_id    INTEGER REFERENCES job(id),      -- the job that made the last move
  state TEXT NOT NULL CHECK (state IN ('reserved','issued','burned','in_doubt','released','voided')),
  epoch INTEGER NOT NULL, at_ms INTEGER NOT NULL, reason TEXT, by_user TEXT
) STRICT;
CREATE UNIQUE INDEX lease_once_per_serial ON lease(serial_id) WHERE state <> 'released';
CREATE UNIQUE INDEX lease_once_per_unit   ON lease(unit_id)   WHERE state IN ('reserved','issued','burned','in_doubt');
CREATE TRIGGER lease_starts_reserved BEFORE INSERT ON lease WHEN NEW.state <> 'reserved'
BEGIN SELECT RAISE(ABORT, 'lease: must start reserved'); END;
CREATE TRIGGER lease_moves BEFORE UPDATE ON lease
WHEN NEW.id <> OLD.id OR NEW.serial_id <> OLD.serial_id OR NEW.unit_id <> OLD.unit_id OR NOT (NEW.state = OLD.state
  OR (OLD.state = 'reserved' AND NEW.state IN ('issued','released'))
  OR (OLD.state = 'issued'   AND NEW.state IN ('burned','in_doubt'))
  OR (OLD.state = 'in_doubt' AND NEW.state IN ('issued','burned','voided')))
BEGIN SELECT RAISE(ABORT, 'lease: forbidden change'); END;
CREATE TRIGGER lease_kept BEFORE DELETE ON lease BEGIN SELECT RAISE(ABORT, 'lease: rows are never deleted'); END;
CREATE TRIGGER lease_no_replace BEFORE INSERT ON lease WHEN EXISTS (SELECT 1 FROM lease WHERE id = NEW.id
  OR (serial_id = NEW.serial_id AND state <> 'released')
  OR (unit_id = NEW.unit_id AND state IN ('reserved','issued','burned','in_doubt')))
BEGIN SELECT RAISE(ABORT, 'lease: live lease exists'); END;
CREATE TRIGGER lease_takes AFTER INSERT ON lease
BEGIN UPDATE serial SET free = 0 WHERE id = NEW.serial_id; END;
CREATE TRIGGER lease_gives_back AFTER UPDATE OF state ON lease WHEN NEW.state = 'released' AND OLD.state <> 'released'
BEGIN UPDATE serial SET free = 1 WHERE id = NEW.serial_id; END;
CREATE INDEX lease_by_unit ON lease(unit_id);
-- Few rows at any time: what is open, what a person gave up.
CREATE INDEX lease_few ON lease(state) WHERE state IN ('reserved', 'issued', 'in_doubt', 'voided');
CREATE INDEX lease_burned ON lease(at_ms) WHERE state = 'burned';

-- A PASS needs its proofs in the database, whoever writes it.
CREATE TRIGGER job_pass_is_proven BEFORE UPDATE OF outcome ON job WHEN NEW.outcome = 'PASS' AND NOT (
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'image' AND ok = 1) AND
  EXISTS (SELECT 1 FROM proof WHERE job_id = NEW.id AND kind = 'serial' AND ok = 1) AND
  EXISTS (SELECT 1 FROM lease WHERE unit_id = NEW.unit_id AND state = 'burned'))
BEGIN SELECT RAISE(ABORT, 'job: PASS without proof'); END;
CREATE TRIGGER job_starts_open BEFORE INSERT ON job WHEN NEW.outcome IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'job: starts without outcome'); END;
CREATE TRIGGER job_verdict_stays BEFORE UPDATE OF outcome, code, unit_id ON job WHEN OLD.outcome IS NOT NULL
  AND (NEW.outcome IS NOT OLD.outcome OR NEW.code IS NOT OLD.code OR NEW.unit_id <> OLD.unit_id)
BEGIN SELECT RAISE(ABORT, 'job: a verdict stays'); END;
CREATE TRIGGER job_kept BEFORE DELETE ON job BEGIN SELECT RAISE(ABORT, 'job: rows are never deleted'); END;
CREATE TRIGGER job_no_replace BEFORE INSERT ON job
  WHEN EXISTS (SELECT 1 FROM job WHERE id = NEW.id OR (slot = NEW.slot AND outcome IS NULL))
BEGIN SELECT RAISE(ABORT, 'job: exists, or its slot has a live one'); END;
CREATE TRIGGER job_fixed BEFORE UPDATE OF id, slot, outcome ON job
  WHEN NEW.id <> OLD.id OR (NEW.outcome IS NULL AND EXISTS (SELECT 1 FROM job
    WHERE slot = NEW.slot AND outcome IS NULL AND id <> OLD.id))
BEGIN SELECT RAISE(ABORT, 'job: id is fixed, a slot has one live job'); END;

-- Once-marks: what may happen to a unit only once per flash (set-nvme).
CREATE TABLE once_mark (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id), name TEXT NOT NULL,
  flash_step_id INTEGER NOT NULL REFERENCES step(id),   -- the flash it belongs to
  state TEXT NOT NULL CHECK (state IN ('begun', 'done')), at_ms INTEGER NOT NULL,
  UNIQUE (flash_step_id, name)
) STRICT;
CREATE TRIGGER once_mark_kept BEFORE DELETE ON once_mark BEGIN SELECT RAISE(ABORT, 'once-mark: rows are never deleted'); END;
CREATE TRIGGER once_mark_no_replace BEFORE INSERT ON once_mark
  WHEN EXISTS (SELECT 1 FROM once_mark WHERE id = NEW.id OR (flash_step_id = NEW.flash_step_id AND name = NEW.name))
BEGIN SELECT RAISE(ABORT, 'once-mark: exists'); END;
CREATE TRIGGER once_mark_moves BEFORE UPDATE ON once_mark
  WHEN NEW.id <> OLD.id OR NEW.flash_step_id <> OLD.flash_step_id OR NEW.name <> OLD.name
  OR (OLD.state = 'done' AND NEW.state <> 'done')
BEGIN SELECT RAISE(ABORT, 'once-mark: forbidden change'); END;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL, mono_ns INTEGER NOT NULL, boot TEXT NOT NULL, epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  slot TEXT, unit_id INTEGER, job_id INTEGER, actor TEXT,
  data TEXT NOT NULL CHECK (data GLOB '{*}')
) STRICT;
CREATE INDEX event_by_job ON event(job_id);
CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never deleted'); END;
CREATE TRIGGER event_fixed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never changed'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM event)
  AND EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'event: exists'); END;

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
       j.acknowledged_ms, j.acknowledged_by, j.redactions
FROM job j JOIN unit u ON u.id = j.unit_id JOIN orders o ON o.id = j.order_id
-- A released serial never left the station and goes to another unit: it belongs to no record.
LEFT JOIN lease l ON l.unit_id = u.id AND l.id = (SELECT max(l2.id) FROM lease l2
     WHERE l2.unit_id = u.id AND l2.state <> 'released')
LEFT JOIN serial s ON s.id = l.serial_id LEFT JOIN batch b ON b.id = s.batch_id
CROSS JOIN station st
WHERE j.outcome IS NOT NULL;
