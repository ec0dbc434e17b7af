-- SPDX-License-Identifier: Apache-2.0
-- What test_queries.sh fills its own database with: rows first, rollups made from them.
PRAGMA foreign_keys = ON;
INSERT INTO migration VALUES (1, '0001_registry', zeroblob(32), 0);
INSERT INTO model VALUES ('fashion', 'classify', 0);
INSERT INTO model_version VALUES ('fashion', 1, '1.0.0', 0), ('fashion', 2, '1.1.0', 0);
INSERT INTO artifact VALUES
  ('fashion', 1, 'fp32', CAST(x'01' || zeroblob(31) AS BLOB), 9, 'fashion/1/fp32.mnet', 0, NULL, '["zero","one"]', 1),
  ('fashion', 2, 'fp32', CAST(x'02' || zeroblob(31) AS BLOB), 9, 'fashion/2/fp32.mnet', 0, NULL, '["zero","one"]', 1);
INSERT INTO node(id, name, public_key, state, facts, enrolled_ms)
  VALUES (1, 'one', CAST(x'01' || zeroblob(31) AS BLOB), 'active', '{}', 0),
         (2, 'two', CAST(x'02' || zeroblob(31) AS BLOB), 'active', '{}', 0),
         (3, 'three', CAST(x'03' || zeroblob(31) AS BLOB), 'active', '{}', 0);
INSERT INTO deployment(model, seq, selector, created_ms, created_by) VALUES ('fashion', 2, '', 0, 'test');
INSERT INTO audit_log(at_ms, actor, action, subject, detail) VALUES (0, 'api:test', 'deployment.create', '1', '{}');
INSERT INTO cohort VALUES
  (1, CAST(x'01' || zeroblob(31) AS BLOB), 'fashion', 'none', 'lyon', '', '', ''),
  (2, CAST(x'02' || zeroblob(31) AS BLOB), 'fashion', 'none', '', '', '', ''),
  (3, CAST(x'09' || zeroblob(31) AS BLOB), 'fashion', 'none', '', '', '', '');

-- 200 reports of 10 rows, one every 30 seconds up to now; seq 7 of node 1 is missing.
WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 199)
INSERT INTO report
  SELECT (unixepoch() - (199 - i) * 30) * 1000 << 12, 1 + i % 3, 1 + i % 3, 1, 1 + i / 3 + (i / 3 > 6), 10,
         (unixepoch() - (199 - i) * 30) * 1000, i % 50 = 0, i, i % 3 <> 2, 0
  FROM r;
WITH RECURSIVE s(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM s WHERE k < 9)
INSERT INTO prediction
  SELECT first_id + k, node_id, cohort_id, k % 4, 5000 + 500 * k, 100 * (k + 1) * node_id,
         iif(k = 9 AND seq % 20 = 0, 99999999999, 40 + k), NULL, iif(k < 2, k, NULL)
  FROM report, s;
INSERT INTO sample(id, node_id, cohort_id, sample, class, confidence, lag_ms)
  SELECT id, node_id, cohort_id, sample, class, confidence, lag_ms FROM prediction WHERE sample IS NOT NULL;

CREATE TEMP VIEW counted AS
  SELECT p.*, p.id >> 12 AS received_ms, v.counted_ms,
         (SELECT bucket FROM latency_bucket WHERE p.latency_us BETWEEN lower_us AND upper_us) AS bucket
  FROM prediction AS p JOIN v_predictions AS v USING (id);
INSERT INTO class_minute
  SELECT counted_ms - counted_ms % 60000, cohort_id, class, count(*) FROM counted GROUP BY 1, 2, 3;
INSERT INTO class_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, class, count(*), sum(confidence) FROM counted GROUP BY 1, 2, 3;
INSERT INTO confidence_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, min(confidence / 500, 19), count(*), sum(confidence)
  FROM counted GROUP BY 1, 2, 3;
INSERT INTO latency_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, bucket, count(*), sum(latency_us) FROM counted GROUP BY 1, 2, 3;
INSERT INTO node_hour
  SELECT counted_ms - counted_ms % 3600000, node_id, cohort_id, count(*), sum(confidence), sum(latency_us),
         sum(lag_ms > 31622400000), 1, 0, min(received_ms), max(received_ms)
  FROM counted GROUP BY 1, 2, 3;
INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports, predictions, dropped)
  SELECT node_id, max(first_id) >> 12, cohort_id, 0, count(*), sum(rows), sum(dropped) FROM report GROUP BY node_id;
