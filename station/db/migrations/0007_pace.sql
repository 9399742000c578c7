-- How long the steps of a profile took, learned from runs that ended well (station/core/pace): no record, only what the pages say of
-- the time left. Rows are replaced; without them it is learned anew.
CREATE TABLE step_pace (
  profile TEXT NOT NULL,
  step TEXT NOT NULL,
  pace TEXT NOT NULL,          -- runs, then ms at which each percent was reached
  PRIMARY KEY (profile, step)
) STRICT, WITHOUT ROWID;
