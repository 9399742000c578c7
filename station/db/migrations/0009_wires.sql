-- SPDX-License-Identifier: Apache-2.0
-- Schema version 9: what each root port and controller carried with so many units at once (station/core/bandwidth): no record, only
-- how many are let in. Rows are replaced; without them it is learned anew.
CREATE TABLE wire_load (
  wire TEXT PRIMARY KEY,       -- path of the root port, or of the controller
  load TEXT NOT NULL
) STRICT, WITHOUT ROWID;
