-- SPDX-License-Identifier: Apache-2.0
-- What was deleted for its age or for the size of the database, so that nobody takes a gap for silence.

CREATE TABLE retention(
  -- One row for each kind of data that is deleted later; written in the transaction that deletes.
  kind             TEXT PRIMARY KEY,   -- 'rows': prediction, report, summary; 'samples': sample;
                                       -- 'minutes': class_minute; 'rollups': all other rollups
  complete_from_ms INTEGER NOT NULL,   -- nothing from this time on was deleted (time of receipt of rows and
                                       -- samples, start of minutes and rollups); 0: nothing ever was
  deleted          INTEGER NOT NULL,   -- rows of these tables deleted in all
  deleted_ms       INTEGER             -- when last; NULL: never
) STRICT, WITHOUT ROWID;
INSERT INTO retention VALUES ('rows', 0, 0, NULL), ('samples', 0, 0, NULL), ('minutes', 0, 0, NULL),
  ('rollups', 0, 0, NULL);

CREATE VIEW v_retention AS
  -- from when on each kind of data is complete; what is older was deleted, wholly or in part
  SELECT kind, complete_from_ms,
         iif(complete_from_ms > 0, datetime(complete_from_ms / 1000, 'unixepoch'), NULL) AS complete_from,
         deleted, deleted_ms
  FROM retention;
