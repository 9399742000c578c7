-- SPDX-License-Identifier: Apache-2.0
-- Schema version 6: what people decide during a shift: slots closed and where they stand, images released, labels printed, badges, how
-- an order ended. Rows tell who, when and why, and are kept.

-- == slots ============================================================================================
CREATE TABLE slot_closing (
  id INTEGER PRIMARY KEY,
  slot TEXT NOT NULL,
  closed_ms INTEGER NOT NULL, closed_by TEXT NOT NULL, reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  reopened_ms INTEGER, reopened_by TEXT, reopen_reason TEXT,
  CHECK ((reopened_ms IS NULL) = (reopened_by IS NULL)),
  CHECK ((reopened_ms IS NULL) = (reopen_reason IS NULL))
) STRICT;
CREATE UNIQUE INDEX slot_closing_live ON slot_closing(slot) WHERE reopened_ms IS NULL;
CREATE TRIGGER slot_closing_no_replace BEFORE INSERT ON slot_closing WHEN NEW.reopened_ms IS NOT NULL
  OR EXISTS (SELECT 1 FROM slot_closing WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM slot_closing WHERE slot = NEW.slot AND reopened_ms IS NULL)
BEGIN SELECT RAISE(ABORT, 'slot closing: exists'); END;
CREATE TRIGGER slot_closing_kept BEFORE DELETE ON slot_closing BEGIN SELECT RAISE(ABORT, 'slot closing: rows are never deleted'); END;
CREATE TRIGGER slot_closing_fixed BEFORE UPDATE ON slot_closing WHEN NEW.id <> OLD.id OR NEW.slot <> OLD.slot OR NEW.closed_ms <> OLD.closed_ms
  OR NEW.closed_by <> OLD.closed_by OR NEW.reason <> OLD.reason OR OLD.reopened_ms IS NOT NULL OR trim(coalesce(NEW.reopen_reason, '')) = ''
BEGIN SELECT RAISE(ABORT, 'slot closing: only ends, with a reason'); END;

-- Where a slot stands in the jig as the wall draws it; the journal keeps what was before.
CREATE TABLE slot_place (
  slot TEXT PRIMARY KEY NOT NULL,
  line INTEGER NOT NULL CHECK (line BETWEEN 0 AND 63), place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 63),
  hub TEXT NOT NULL DEFAULT '',                -- name of the group it belongs to
  UNIQUE (line, place)
) STRICT, WITHOUT ROWID;
-- Which port is which slot, where a technician mapped it at the page; else station.toml says it.
CREATE TABLE slot_port (
  slot TEXT PRIMARY KEY NOT NULL,
  port TEXT NOT NULL UNIQUE,
  peer TEXT UNIQUE,                            -- the other half of the same socket (USB 3), where there is one
  mapped_ms INTEGER NOT NULL, mapped_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- == images and orders ================================================================================
-- A withdrawal ends what was said before it.
CREATE TABLE image_release (
  id INTEGER PRIMARY KEY,
  image_id INTEGER NOT NULL REFERENCES image(id),
  kind TEXT NOT NULL CHECK (kind IN ('release', 'emergency', 'withdrawal')),
  by_user TEXT NOT NULL CHECK (by_user <> ''), at_ms INTEGER NOT NULL,
  reason TEXT,
  CHECK (kind = 'release' OR trim(coalesce(reason, '')) <> '')
) STRICT;
CREATE INDEX image_release_by_image ON image_release(image_id);
CREATE TRIGGER image_release_kept BEFORE DELETE ON image_release BEGIN SELECT RAISE(ABORT, 'image release: rows are never deleted'); END;
CREATE TRIGGER image_release_fixed BEFORE UPDATE ON image_release BEGIN SELECT RAISE(ABORT, 'image release: rows are never changed'); END;
CREATE TRIGGER image_release_no_replace BEFORE INSERT ON image_release WHEN EXISTS (SELECT 1 FROM image_release WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'image release: exists'); END;
-- Two people, not one twice.
CREATE TRIGGER image_release_two_people BEFORE INSERT ON image_release WHEN NEW.kind = 'release' AND EXISTS (SELECT 1 FROM image_release
  WHERE image_id = NEW.image_id AND kind = 'release' AND lower(by_user) = lower(NEW.by_user)
  AND id > coalesce((SELECT max(id) FROM image_release WHERE image_id = NEW.image_id AND kind = 'withdrawal'), 0))
BEGIN SELECT RAISE(ABORT, 'image release: this person released it already'); END;

ALTER TABLE orders ADD COLUMN recipe TEXT;     -- the steps, canonical JSON, as they were when it was opened
ALTER TABLE orders ADD COLUMN ended_ms INTEGER;
ALTER TABLE orders ADD COLUMN ended_by TEXT;
ALTER TABLE orders ADD COLUMN end_reason TEXT;
CREATE TRIGGER orders_recipe BEFORE UPDATE OF recipe ON orders WHEN NEW.recipe IS NOT OLD.recipe
BEGIN SELECT RAISE(ABORT, 'order: its terms are fixed'); END;
CREATE TRIGGER orders_image BEFORE UPDATE OF image_id ON orders WHEN OLD.image_id IS NOT NULL AND NEW.image_id IS NOT OLD.image_id
BEGIN SELECT RAISE(ABORT, 'order: its image stays'); END;
CREATE TRIGGER orders_quantity BEFORE UPDATE OF quantity ON orders WHEN NEW.quantity <> OLD.quantity
BEGIN SELECT RAISE(ABORT, 'order: its terms are fixed'); END;
CREATE TRIGGER orders_closed_stay BEFORE UPDATE OF state ON orders WHEN OLD.state = 'closed' AND NEW.state <> 'closed'
BEGIN SELECT RAISE(ABORT, 'order: is closed'); END;

-- How the image of a job was released, as it was when the job began.
ALTER TABLE job ADD COLUMN image_release TEXT CHECK (image_release IN ('two', 'one', 'none', 'emergency'));
ALTER TABLE job ADD COLUMN image_released_by TEXT;
ALTER TABLE job ADD COLUMN image_release_reason TEXT;
CREATE TRIGGER job_release_stays BEFORE UPDATE ON job WHEN NEW.image_release IS NOT OLD.image_release
  OR NEW.image_released_by IS NOT OLD.image_released_by OR NEW.image_release_reason IS NOT OLD.image_release_reason
BEGIN SELECT RAISE(ABORT, 'job: how its image was released stays'); END;

-- == labels ===========================================================================================
CREATE TABLE label (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES job(id),
  copy INTEGER NOT NULL CHECK (copy >= 1),
  template TEXT NOT NULL,
  reason TEXT,                                 -- of a further copy
  asked_ms INTEGER NOT NULL, asked_by TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'printed', 'failed')),
  tries INTEGER NOT NULL DEFAULT 0,
  message TEXT,                                -- why it is not printed
  begun_ms INTEGER,                            -- its bytes began to leave; where it failed all the same, it may be printed
  printed_ms INTEGER,
  checked_ms INTEGER, checked_by TEXT,         -- scanned at the slot, and it was the right one
  UNIQUE (job_id, copy),
  CHECK (copy = 1 OR trim(coalesce(reason, '')) <> ''),
  CHECK ((state = 'printed') = (printed_ms IS NOT NULL)),
  CHECK ((checked_ms IS NULL) = (checked_by IS NULL))
) STRICT;
CREATE INDEX label_open ON label(id) WHERE state <> 'printed';
CREATE TRIGGER label_no_replace BEFORE INSERT ON label WHEN NEW.state <> 'waiting'
  OR EXISTS (SELECT 1 FROM label WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM label WHERE job_id = NEW.job_id AND copy = NEW.copy)
BEGIN SELECT RAISE(ABORT, 'label: exists'); END;
CREATE TRIGGER label_of_pass BEFORE INSERT ON label WHEN NOT EXISTS (SELECT 1 FROM job WHERE id = NEW.job_id AND outcome = 'PASS')
BEGIN SELECT RAISE(ABORT, 'label: its job did not pass'); END;
CREATE TRIGGER label_kept BEFORE DELETE ON label BEGIN SELECT RAISE(ABORT, 'label: rows are never deleted'); END;
CREATE TRIGGER label_fixed BEFORE UPDATE ON label WHEN NEW.id <> OLD.id OR NEW.job_id <> OLD.job_id OR NEW.copy <> OLD.copy
  OR NEW.template <> OLD.template OR NEW.reason IS NOT OLD.reason OR NEW.asked_ms <> OLD.asked_ms OR NEW.asked_by <> OLD.asked_by
  OR (OLD.state = 'printed' AND (NEW.state <> 'printed' OR NEW.printed_ms <> OLD.printed_ms))
  OR (OLD.checked_ms IS NOT NULL AND (NEW.checked_ms IS NOT OLD.checked_ms OR NEW.checked_by IS NOT OLD.checked_by))
BEGIN SELECT RAISE(ABORT, 'label: is fixed'); END;

-- == badges, languages ================================================================================
-- Of what a badge holds its SHA-256 is kept. One live badge a person.
CREATE TABLE badge (
  id INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL REFERENCES account(id),
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  made_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
  revoked_ms INTEGER, revoked_by TEXT,
  CHECK ((revoked_ms IS NULL) = (revoked_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX badge_live ON badge(account_id) WHERE revoked_ms IS NULL;
CREATE TRIGGER badge_no_replace BEFORE INSERT ON badge WHEN EXISTS (SELECT 1 FROM badge WHERE id = NEW.id OR hash = NEW.hash)
  OR EXISTS (SELECT 1 FROM badge WHERE account_id = NEW.account_id AND revoked_ms IS NULL)
BEGIN SELECT RAISE(ABORT, 'badge: exists'); END;
CREATE TRIGGER badge_kept BEFORE DELETE ON badge BEGIN SELECT RAISE(ABORT, 'badge: rows are never deleted'); END;
CREATE TRIGGER badge_fixed BEFORE UPDATE ON badge WHEN NEW.id <> OLD.id OR NEW.account_id <> OLD.account_id OR NEW.hash <> OLD.hash
  OR NEW.made_ms <> OLD.made_ms OR NEW.made_by <> OLD.made_by OR OLD.revoked_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'badge: is only revoked'); END;
-- Who works at an enrolled screen, by badge.
CREATE TABLE badge_shift (
  id INTEGER PRIMARY KEY,
  badge_id INTEGER NOT NULL REFERENCES badge(id),
  session_id INTEGER NOT NULL REFERENCES session(id),   -- the screen's
  opened_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  ended_ms INTEGER, ended_by TEXT,
  CHECK ((ended_ms IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX badge_shift_live ON badge_shift(session_id) WHERE ended_ms IS NULL;
CREATE TRIGGER badge_shift_no_replace BEFORE INSERT ON badge_shift WHEN EXISTS (SELECT 1 FROM badge_shift WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM badge_shift WHERE session_id = NEW.session_id AND ended_ms IS NULL)
BEGIN SELECT RAISE(ABORT, 'badge shift: exists'); END;
CREATE TRIGGER badge_shift_of_screen BEFORE INSERT ON badge_shift WHEN NEW.ended_ms IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM session WHERE id = NEW.session_id AND screen IS NOT NULL AND ended_ms IS NULL)
  OR NOT EXISTS (SELECT 1 FROM badge b JOIN account a ON a.id = b.account_id WHERE b.id = NEW.badge_id AND b.revoked_ms IS NULL AND a.state = 'active')
BEGIN SELECT RAISE(ABORT, 'badge shift: needs an enrolled screen and a live badge'); END;
CREATE TRIGGER badge_shift_kept BEFORE DELETE ON badge_shift BEGIN SELECT RAISE(ABORT, 'badge shift: rows are never deleted'); END;
CREATE TRIGGER badge_shift_fixed BEFORE UPDATE ON badge_shift WHEN NEW.id <> OLD.id OR NEW.badge_id <> OLD.badge_id OR NEW.session_id <> OLD.session_id
  OR NEW.opened_ms <> OLD.opened_ms OR NEW.expires_ms <> OLD.expires_ms OR OLD.ended_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'badge shift: only ends'); END;
ALTER TABLE account ADD COLUMN language TEXT CHECK (language IN ('en', 'de', 'es', 'vi', 'zh'));

-- == what QA reads ====================================================================================
DROP VIEW record_v1;
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
       j.chip_check, j.rework_reason, j.token_change,
       j.image_release, j.image_released_by, j.image_release_reason
FROM job j JOIN unit u ON u.id = j.unit_id JOIN orders o ON o.id = j.order_id
LEFT JOIN lease l ON l.id = (SELECT lease_id FROM unit_lease WHERE unit_id = u.id)
LEFT JOIN serial s ON s.id = l.serial_id LEFT JOIN batch b ON b.id = s.batch_id
CROSS JOIN station st
WHERE j.outcome IS NOT NULL;
