-- SPDX-License-Identifier: Apache-2.0
-- What a node built of an artifact to infer with, such as an engine for its accelerator.

ALTER TABLE report ADD COLUMN
  derived BLOB CHECK (length(derived) = 32); -- SHA-256 of it; NULL: the artifact itself made the predictions

ALTER TABLE node_health ADD COLUMN
  derived BLOB CHECK (length(derived) = 32); -- of its newest report

DROP VIEW v_reports;
CREATE VIEW v_reports AS
  -- every batch that is still kept; its predictions are those with id from first_id to last_id
  SELECT r.first_id, r.first_id + r.rows - 1 AS last_id, r.node_id, n.name AS node, r.cohort_id,
         c.model, c.version, c.artifact, c.arm, r.stream, r.seq, r.rows,
         r.first_id >> 12 AS received_ms, r.sent_ms, r.dropped, r.known, r.below_floor,
         coalesce(s.mode, 'full') AS mode, -- what its rows are of its predictions
         coalesce(s.n, r.rows) AS predictions, -- that it tells of, as rows or in its summary
         lower(hex(r.derived)) AS derived -- '': the artifact itself made them
  FROM report AS r
  LEFT JOIN v_cohort AS c ON c.cohort_id = r.cohort_id
  LEFT JOIN node AS n ON n.id = r.node_id
  LEFT JOIN summary AS s ON s.first_id = r.first_id;

DROP VIEW v_node_health;
CREATE VIEW v_node_health AS
  -- the newest state of each node that ever reported
  SELECT h.node_id, n.name AS node, h.report_ms, h.cohort_id, c.model, c.version, c.artifact, c.arm,
         h.below_floor, h.reports, h.predictions, h.dropped, h.health_ms, h.cpu_pct, h.rss_bytes,
         h.temp_c, h.power_mw, h.queued, h.rejected, h.inferred, h.state, h.clock_doubt_ms,
         lower(hex(h.derived)) AS derived -- '': the artifact itself
  FROM node_health AS h
  LEFT JOIN v_cohort AS c ON c.cohort_id = h.cohort_id
  LEFT JOIN node AS n ON n.id = h.node_id;

CREATE VIEW v_node_engine AS
  -- which engine each node built of an artifact and reported with, from when to when; of the reports still kept
  SELECT r.node_id, n.name AS node, c.model, c.version, c.artifact, lower(hex(r.derived)) AS derived,
         min(r.first_id) >> 12 AS first_received_ms, max(r.first_id) >> 12 AS last_received_ms,
         count(*) AS reports, sum(coalesce(s.n, r.rows)) AS predictions
  FROM report AS r
  LEFT JOIN v_cohort AS c ON c.cohort_id = r.cohort_id
  LEFT JOIN node AS n ON n.id = r.node_id
  LEFT JOIN summary AS s ON s.first_id = r.first_id
  WHERE r.derived IS NOT NULL
  GROUP BY r.node_id, c.model, c.artifact, r.derived;
