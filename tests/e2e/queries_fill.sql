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
         (unixepoch() - (199 - i) * 30) * 1000, i % 50 = 0, i, i % 3 <> 2, 0, NULL
  FROM r;
-- The server was restored from a backup that ends before the gap.
INSERT INTO audit_log(at_ms, actor, action, subject, detail)
  SELECT 0, 'server', 'server.restore', 'server', json_object('backup_ms', 0, 'newest_id', first_id + 9)
  FROM report ORDER BY first_id LIMIT 1 OFFSET 20;
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
  SELECT quarter_ms, cohort_id, json_group_object(bucket, json_array(n, us)) FROM
    (SELECT counted_ms - counted_ms % 900000 AS quarter_ms, cohort_id, bucket, count(*) AS n, sum(latency_us) AS us
     FROM counted GROUP BY 1, 2, 3) GROUP BY 1, 2;
INSERT INTO node_hour
  SELECT counted_ms - counted_ms % 3600000, node_id, cohort_id, count(*), sum(confidence), sum(latency_us),
         sum(lag_ms > 31622400000), 1, 0, min(received_ms), max(received_ms)
  FROM counted GROUP BY 1, 2, 3;
INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports, predictions, dropped)
  SELECT node_id, max(first_id) >> 12, cohort_id, 0, count(*), sum(rows), sum(dropped) FROM report GROUP BY node_id;

-- A summary every two minutes of the last hour: node 1 samples one of ten (ten rows each), node 2 sends none.
-- Each counts 100 predictions of class 0 and 1, half of them at 250 us and half at 500 us.
CREATE TEMP TABLE told AS
  WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 59)
  SELECT ((unixepoch() - (59 - i) * 60) * 1000 << 12) + 2048 AS first_id, 2 - i % 2 AS node_id,
         2 - i % 2 AS cohort_id, iif(i % 2, 10, 0) AS rows, i AS seq, 61000 AS lag_ms
  FROM r;
CREATE TEMP TABLE part AS
  WITH b(low, high) AS (SELECT (SELECT bucket FROM latency_bucket WHERE 250 BETWEEN lower_us AND upper_us),
                               (SELECT bucket FROM latency_bucket WHERE 500 BETWEEN lower_us AND upper_us))
  SELECT low, high, (SELECT 37500 - 50 * sum(middle_us) FROM latency_bucket WHERE bucket IN (low, high)) AS rest FROM b;
INSERT INTO report
  SELECT first_id, node_id, cohort_id, 2, 1 + seq / 2, rows, first_id >> 12, 0, seq, 1, 0, NULL FROM told;
WITH RECURSIVE s(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM s WHERE k < 9)
INSERT INTO prediction
  SELECT first_id + k, node_id, cohort_id, k % 2, 9600, iif(k % 2, 250, 1500), 60000, NULL, NULL FROM told, s WHERE rows > 0;
INSERT INTO summary
  SELECT first_id, node_id, cohort_id, lag_ms, 60000, iif(rows, 'sampled', 'summary'), iif(rows, 10, 1), rows, 100, 7,
         960000, 37500, low, rest, '{"0":[60,576000],"1":[40,384000]}', '{"19":[100,960000]}',
         json_object(CAST(low AS TEXT), 50, CAST(high AS TEXT), 50), '{"0":90,"1":10}', '{"18":100}'
  FROM told, part;
INSERT INTO class_minute
  SELECT counted_ms - counted_ms % 60000, cohort_id, class, sum(n) FROM v_summary_class GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n;
INSERT INTO class_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, class, sum(n), sum(confidence_sum) FROM v_summary_class GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n, confidence_sum = confidence_sum + excluded.confidence_sum;
INSERT INTO confidence_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, bin, sum(n), sum(confidence_sum) FROM v_summary_confidence
  GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n, confidence_sum = confidence_sum + excluded.confidence_sum;
INSERT INTO latency_quarter
  SELECT quarter_ms, cohort_id, json_group_object(bucket, json_array(n, us)) FROM
    (SELECT quarter_ms, cohort_id, bucket, sum(n) AS n, sum(us) AS us FROM
       (SELECT counted_ms - counted_ms % 900000 AS quarter_ms, cohort_id, bucket, n, latency_sum_us AS us
        FROM v_summary_latency
        UNION ALL SELECT quarter_ms, cohort_id, bucket, n, latency_sum_us FROM v_latency_quarter)
     GROUP BY 1, 2, 3) GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET buckets = excluded.buckets;
INSERT INTO entropy_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, key, sum(value) FROM v_summary JOIN summary USING (first_id, cohort_id),
    json_each(summary.entropy) GROUP BY 1, 2, 3;
INSERT INTO margin_quarter
  SELECT counted_ms - counted_ms % 900000, cohort_id, key, sum(value) FROM v_summary JOIN summary USING (first_id, cohort_id),
    json_each(summary.margin) GROUP BY 1, 2, 3;

-- Two published states: the second one listed another target and dropped none.
INSERT INTO tuf_publication(published_ms, published_by, root_version, snapshot_version, targets_version)
  VALUES (0, 'ci', 1, 1, 1), (3600000, 'ci', 1, 2, 2);
INSERT INTO tuf_publication_role SELECT id, 'targets', 0, id, 9, zeroblob(32) FROM tuf_publication;
INSERT INTO tuf_target VALUES ('fashion/1/fp32.mnet', 1, NULL, 9, CAST(x'01' || zeroblob(31) AS BLOB)),
  ('fashion/2/fp32.mnet', 2, NULL, 9, CAST(x'02' || zeroblob(31) AS BLOB));
