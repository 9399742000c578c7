-- SPDX-License-Identifier: Apache-2.0
-- Schema version 5: who may do what. Accounts are closed, never deleted: records name them. Of a password its Argon2id text is kept, of
-- a session the SHA-256 of what the browser holds.
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,               -- small letters: two names that differ only by capitals are one
  role TEXT NOT NULL CHECK (role IN ('operator', 'qa', 'manager', 'technician', 'admin')),
  password TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed')),
  made_ms INTEGER NOT NULL,
  made_by TEXT NOT NULL
) STRICT;
CREATE TRIGGER account_no_replace BEFORE INSERT ON account WHEN EXISTS (SELECT 1 FROM account WHERE id = NEW.id OR name_key = NEW.name_key)
BEGIN SELECT RAISE(ABORT, 'account: exists'); END;
CREATE TRIGGER account_named BEFORE INSERT ON account WHEN NEW.name_key <> lower(NEW.name) OR NEW.state <> 'active'
BEGIN SELECT RAISE(ABORT, 'account: begins active'); END;
CREATE TRIGGER account_kept BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'account: rows are never deleted'); END;
CREATE TRIGGER account_fixed BEFORE UPDATE ON account WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.name_key <> OLD.name_key
  OR NEW.made_ms <> OLD.made_ms OR NEW.made_by <> OLD.made_by OR OLD.state = 'closed'
BEGIN SELECT RAISE(ABORT, 'account: is fixed'); END;
-- Else nobody could let anybody in.
CREATE TRIGGER account_last_admin BEFORE UPDATE ON account WHEN OLD.role = 'admin' AND OLD.state = 'active'
  AND (NEW.role <> 'admin' OR NEW.state <> 'active')
  AND NOT EXISTS (SELECT 1 FROM account WHERE role = 'admin' AND state = 'active' AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'account: the last admin stays'); END;

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  account_id INTEGER REFERENCES account(id),
  screen TEXT,                                 -- name of an enrolled screen, instead of an account
  source TEXT NOT NULL,                        -- where it was opened from
  opened_ms INTEGER NOT NULL,
  opened_by TEXT NOT NULL,
  expires_ms INTEGER,                          -- none: a screen's
  ended_ms INTEGER,
  ended_by TEXT,
  CHECK ((account_id IS NULL) <> (screen IS NULL)),
  CHECK ((screen IS NULL) = (expires_ms IS NOT NULL)),
  CHECK ((ended_ms IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX session_open ON session(id) WHERE ended_ms IS NULL;
CREATE UNIQUE INDEX session_screen ON session(screen) WHERE ended_ms IS NULL;
CREATE TRIGGER session_no_replace BEFORE INSERT ON session WHEN EXISTS (SELECT 1 FROM session WHERE id = NEW.id OR hash = NEW.hash)
  OR EXISTS (SELECT 1 FROM session WHERE screen = NEW.screen AND ended_ms IS NULL)
BEGIN SELECT RAISE(ABORT, 'session: exists'); END;
CREATE TRIGGER session_kept BEFORE DELETE ON session BEGIN SELECT RAISE(ABORT, 'session: rows are never deleted'); END;
CREATE TRIGGER session_fixed BEFORE UPDATE ON session WHEN NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.account_id IS NOT OLD.account_id
  OR NEW.screen IS NOT OLD.screen OR NEW.source <> OLD.source OR NEW.opened_ms <> OLD.opened_ms OR NEW.opened_by <> OLD.opened_by
  OR NEW.expires_ms IS NOT OLD.expires_ms OR OLD.ended_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'session: only ends'); END;
