-- SPDX-License-Identifier: Apache-2.0
-- Fills a data directory with nodes until it has :nodes of them: what a server has after a
-- million enrolments and at least 16 reports of each. The nodes that are there are spread
-- evenly over all ids (id times :spread). Keys are random bytes: nobody holds their other
-- half. Facts are of 480 kinds, labels of 500.
PRAGMA foreign_keys = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -400000;
BEGIN;
UPDATE node SET id = -id * :spread;
UPDATE node SET id = -id;
UPDATE node_label SET node_id = -node_id * :spread;
UPDATE node_label SET node_id = -node_id;
UPDATE sqlite_sequence SET seq = :nodes WHERE name = 'node';
CREATE TEMP TABLE fresh AS
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :nodes)
  SELECT i FROM n WHERE i NOT IN (SELECT id FROM node);
INSERT INTO node
  SELECT i, format('line-%d-camera-%d', i / 100, i % 100), randomblob(32), 'active', 0,
    format('{"arch":"%s","cores":%d,"ram_bytes":%d,"features":["neon","asimd"],"runtime":"0.1.%d","agent":"0.1.%d"}',
      iif(i % 3 = 0, 'x86_64', 'aarch64'), 1 << (i % 3), 536870912 << (i % 4), i % 5, i % 8),
    1795420000000 + i, 1, 1795420000000 + i
  FROM fresh;
INSERT INTO node_label
  SELECT i, 'hardware', 'node', format('board-%d', i % 5) FROM fresh UNION ALL
  SELECT i, 'site', 'admin', format('site-%d', i % 100) FROM fresh;
INSERT INTO cohort(artifact, model, arm, label_1, label_2, label_3, label_4)
  SELECT randomblob(32), 'fashion', 'none', value, '', '', ''
  FROM json_each('["a","b","c","d"]') WHERE NOT EXISTS (SELECT 1 FROM cohort);
INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports, predictions, dropped, health_ms,
    cpu_pct, rss_bytes, temp_c, power_mw, queued, rejected, inferred, state)
  SELECT i, 1795420000000 + i, 1 + i % (SELECT count(*) FROM cohort), 0, 20, 2000, 0,
    1795420000000 + i, 12.5, 4100000, 51.0, 2100.0, 0, 0, 2000, 'ok'
  FROM fresh;
INSERT INTO stream SELECT i, 1, 20, randomblob(256) FROM fresh;
COMMIT;
