-- SPDX-License-Identifier: Apache-2.0
-- How far the times of a node's newest report with health may be off, as the node says.

ALTER TABLE node_health ADD COLUMN
  clock_doubt_ms INTEGER; -- NULL: no more than an hour; 9007199254740991: nothing bounds it

DROP VIEW v_node_health;
CREATE VIEW v_node_health AS
  -- the newest state of each node that ever reported
  SELECT h.node_id, n.name AS node, h.report_ms, h.cohort_id, c.model, c.version, c.artifact, c.arm,
         h.below_floor, h.reports, h.predictions, h.dropped, h.health_ms, h.cpu_pct, h.rss_bytes,
         h.temp_c, h.power_mw, h.queued, h.rejected, h.inferred, h.state, h.clock_doubt_ms
  FROM node_health AS h
  LEFT JOIN v_cohort AS c ON c.cohort_id = h.cohort_id
  LEFT JOIN node AS n ON n.id = h.node_id;
