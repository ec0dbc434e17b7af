-- SPDX-License-Identifier: Apache-2.0
-- Who and what there is: nodes, tokens, models, deployments, and who changed them.

CREATE TABLE server(
  -- one row: this server
  id INTEGER PRIMARY KEY CHECK(id = 1),
  server_id TEXT NOT NULL CHECK(length(server_id) = 32), -- 32 hex digits, signed in every session request
  created_ms INTEGER NOT NULL -- ms since 1970
) STRICT;

CREATE TABLE enrollment_token(
  -- a token that lets new nodes in; the token itself is stored nowhere
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK(length(CAST(name AS BLOB)) BETWEEN 1 AND 128), -- for people
  hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32), -- BLAKE2b of the token, keyed with keys/session.key
  max_uses INTEGER NOT NULL CHECK(max_uses >= 1), -- nodes that it may enrol
  uses INTEGER NOT NULL DEFAULT 0 CHECK(uses BETWEEN 0 AND max_uses), -- nodes that it did enrol
  pending INTEGER NOT NULL CHECK(pending IN (0, 1)), -- 1: its nodes wait for an operator
  labels TEXT NOT NULL CHECK(json_valid(labels)), -- JSON object: labels that its nodes get
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL, -- name of the API token
  expires_ms INTEGER NOT NULL,
  revoked_ms INTEGER -- NULL: not revoked
) STRICT;

CREATE TABLE node(
  -- an edge device
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
  name TEXT NOT NULL UNIQUE CHECK(length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
  public_key BLOB NOT NULL UNIQUE CHECK(length(public_key) = 32), -- Ed25519, raw
  state TEXT NOT NULL CHECK(state IN ('active', 'pending', 'revoked')),
  epoch INTEGER NOT NULL DEFAULT 0 CHECK(epoch BETWEEN 0 AND 4294967295), -- session tokens of a lower epoch are dead
  facts TEXT NOT NULL CHECK(json_valid(facts)), -- JSON object: what the node says of its hardware
  enrolled_ms INTEGER NOT NULL,
  enrollment_token_id INTEGER REFERENCES enrollment_token(id), -- the token that let it in
  last_seen_ms INTEGER -- written in batches: may be seconds behind; NULL: never
) STRICT;

CREATE TABLE node_label(
  -- key=value of a node; where both sources name a key the admin's value holds
  node_id INTEGER NOT NULL REFERENCES node(id),
  key TEXT NOT NULL CHECK(length(key) BETWEEN 1 AND 32),
  source TEXT NOT NULL CHECK(source IN ('admin', 'node')), -- 'node': declared by the node itself
  value TEXT NOT NULL CHECK(length(CAST(value AS BLOB)) <= 64),
  PRIMARY KEY(node_id, key, source)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_node_label AS
  -- the labels in effect
  SELECT node_id, key, value FROM node_label AS l
  WHERE source = 'admin' OR NOT EXISTS(
    SELECT 1 FROM node_label AS a
    WHERE a.node_id = l.node_id AND a.key = l.key AND a.source = 'admin');

CREATE TABLE api_token(
  -- a token of a person or a program; the token itself is stored nowhere
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK(length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
  hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32), -- as in enrollment_token
  role TEXT NOT NULL CHECK(role IN ('viewer', 'operator', 'publisher', 'admin')),
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  revoked_ms INTEGER -- NULL: not revoked
) STRICT;

CREATE TABLE model(
  -- a named line of versions
  name TEXT PRIMARY KEY CHECK(length(name) BETWEEN 1 AND 64),
  task TEXT NOT NULL, -- classify, regress, anomaly
  floor INTEGER NOT NULL CHECK(floor >= 0) -- lowest seq that may be activated: the highest floor ever signed
) STRICT, WITHOUT ROWID;

CREATE TABLE model_version(
  -- a version of a model, listed now or withdrawn
  model TEXT NOT NULL REFERENCES model(name),
  seq INTEGER NOT NULL CHECK(seq >= 1), -- for machines; grows
  version TEXT NOT NULL CHECK(length(version) BETWEEN 1 AND 64), -- for people
  published_ms INTEGER NOT NULL, -- when this server first listed it
  PRIMARY KEY(model, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact(
  -- an uncompressed model file; its SHA-256 is its identity everywhere
  model TEXT NOT NULL,
  seq INTEGER NOT NULL,
  variant TEXT NOT NULL CHECK(length(variant) BETWEEN 1 AND 64), -- fp32, int8 …
  sha256 BLOB NOT NULL CHECK(length(sha256) = 32),
  length INTEGER NOT NULL CHECK(length >= 0), -- bytes
  path TEXT NOT NULL, -- of the signed target
  ram_bytes INTEGER NOT NULL CHECK(ram_bytes >= 0), -- needed while inferring, 0: not said
  hardware TEXT CHECK(hardware IS NULL OR json_valid(hardware)), -- JSON list of architectures, NULL: any
  classes TEXT NOT NULL CHECK(json_valid(classes)), -- JSON list of class names in order of their index
  listed INTEGER NOT NULL CHECK(listed IN (0, 1)), -- 1: in the targets that are published now
  PRIMARY KEY(model, seq, variant),
  FOREIGN KEY(model, seq) REFERENCES model_version(model, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_sha256 ON artifact(sha256);

CREATE TABLE deployment(
  -- "run this version on these nodes"; of those that match a node the newest counts
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  model TEXT NOT NULL,
  seq INTEGER NOT NULL,
  selector TEXT NOT NULL, -- as written, "" matches every node
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL, -- name of the API token
  removed_ms INTEGER, -- NULL: in force
  FOREIGN KEY(model, seq) REFERENCES model_version(model, seq)
) STRICT;

CREATE TABLE tuf_publication(
  -- what was live when: one row a published state (new timestamps alone make none)
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  published_ms INTEGER NOT NULL,
  published_by TEXT NOT NULL, -- name of the API token, or 'repair' when rebuilt from the files at start
  root_version INTEGER NOT NULL CHECK(root_version >= 1),
  snapshot_version INTEGER NOT NULL CHECK(snapshot_version >= 1),
  targets_version INTEGER NOT NULL CHECK(targets_version >= 1)
) STRICT;

CREATE TABLE audit_log(
  -- every control change; rows are only ever added
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL, -- name of the API token, or 'node:<name>', 'repair', 'server'
  action TEXT NOT NULL, -- 'node.enroll', 'deployment.create' …
  subject TEXT NOT NULL, -- id or name of what was changed
  detail TEXT NOT NULL CHECK(json_valid(detail)) -- JSON object
) STRICT;
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
