-- SPDX-License-Identifier: Apache-2.0
-- What was live when, for ever: no retention deletes from these tables. And whose artifacts need no token.

CREATE TABLE tuf_publication_role(
  -- a signed file of a published state; timestamps are left out: the server signs one every few days
  publication_id INTEGER NOT NULL REFERENCES tuf_publication(id),
  role TEXT NOT NULL CHECK(length(role) BETWEEN 1 AND 127), -- root, snapshot, targets, or a delegated one
  delegated INTEGER NOT NULL CHECK(delegated IN (0, 1)),
  version INTEGER NOT NULL CHECK(version >= 1),
  expires_ms INTEGER NOT NULL,
  sha256 BLOB NOT NULL CHECK(length(sha256) = 32), -- of the whole file
  PRIMARY KEY(publication_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE tuf_target(
  -- a target file that clients could find, from one publication to another
  path TEXT NOT NULL CHECK(length(path) BETWEEN 1 AND 511),
  listed_id INTEGER NOT NULL REFERENCES tuf_publication(id), -- the first publication with it
  unlisted_id INTEGER REFERENCES tuf_publication(id), -- the first one without it; NULL: it is listed now
  length INTEGER NOT NULL CHECK(length >= 0), -- bytes
  sha256 BLOB NOT NULL CHECK(length(sha256) = 32), -- of the file; another digest is another row
  PRIMARY KEY(path, listed_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tuf_target_listed ON tuf_target(listed_id);
CREATE INDEX tuf_target_unlisted ON tuf_target(unlisted_id);

CREATE VIEW v_publication AS
  -- each signed file of each published state, and until when it was the live one (NULL: it is)
  SELECT p.id AS publication_id, p.published_ms,
         datetime(p.published_ms / 1000, 'unixepoch') AS published, p.published_by,
         (SELECT n.published_ms FROM tuf_publication AS n WHERE n.id > p.id ORDER BY n.id LIMIT 1) AS until_ms,
         r.role, r.delegated, r.version, r.expires_ms, lower(hex(r.sha256)) AS sha256
  FROM tuf_publication AS p JOIN tuf_publication_role AS r ON r.publication_id = p.id;

CREATE VIEW v_target_history AS
  -- from when to when each target file was listed (until_ms NULL: it is), and who pushed that
  SELECT t.path, t.length, lower(hex(t.sha256)) AS sha256,
         f.published_ms AS listed_ms, datetime(f.published_ms / 1000, 'unixepoch') AS listed, f.published_by AS listed_by,
         u.published_ms AS until_ms, datetime(u.published_ms / 1000, 'unixepoch') AS until, u.published_by AS unlisted_by
  FROM tuf_target AS t
  JOIN tuf_publication AS f ON f.id = t.listed_id
  LEFT JOIN tuf_publication AS u ON u.id = t.unlisted_id;

CREATE TABLE model_access(
  -- who may download the artifacts of a model; no row: those with a token or a signed link
  model TEXT PRIMARY KEY REFERENCES model(name),
  public INTEGER NOT NULL CHECK(public IN (0, 1)), -- 1: everybody
  changed_ms INTEGER NOT NULL,
  changed_by TEXT NOT NULL -- name of the API token
) STRICT, WITHOUT ROWID;
