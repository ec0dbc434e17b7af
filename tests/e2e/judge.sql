-- SPDX-License-Identifier: Apache-2.0
-- Judges a database against the table ack of the caller: acknowledged reports are there whole and
-- once, and every rollup equals the rows (as docs/SCHEMA.md says them). One NAME|NUMBER a line.
SELECT 'acknowledged', count(*), coalesce(sum(rows), 0) FROM (SELECT DISTINCT node, stream, seq, rows FROM ack);
CREATE TEMP TABLE stored AS
  SELECT node_id, stream, seq, rows, first_id FROM report ORDER BY node_id, stream, seq;
CREATE INDEX temp.stored_by_seq ON stored(node_id, stream, seq);
SELECT 'missing', count(*) FROM ack a WHERE NOT EXISTS (SELECT 1 FROM stored r WHERE r.node_id = a.node
  AND r.stream = a.stream AND r.seq = a.seq AND r.rows = a.rows AND r.first_id = a.first_id);
SELECT 'torn', count(*) FROM report r WHERE r.rows <> (SELECT count(*) FROM prediction p
  WHERE p.id >= r.first_id AND p.id < r.first_id + r.rows AND p.node_id = r.node_id);
SELECT 'twice', count(*) FROM (SELECT 1 FROM stored GROUP BY node_id, stream, seq HAVING count(*) > 1);
SELECT 'orphans', (SELECT count(*) FROM prediction) - (SELECT coalesce(sum(rows), 0) FROM report);

-- What tests/tools/reporter.c puts into its rows.
SELECT 'wrong', count(*) FROM report r JOIN node n ON n.id = r.node_id AND n.name LIKE 'reporter-%'
  JOIN prediction p ON p.id BETWEEN r.first_id AND r.first_id + r.rows - 1
  WHERE p.latency_us <> r.seq % 1000000 * 2000 + p.id - r.first_id
    OR p.class <> (r.seq + p.id - r.first_id) % 10;

-- What must be remembered to count each report once.
SELECT 'streams', count(*) FROM
  (SELECT node_id, stream, max(seq) AS highest FROM stored GROUP BY node_id, stream) AS r
  LEFT JOIN stream AS s USING (node_id, stream) WHERE s.highest IS NOT r.highest;
SELECT 'totals', count(*) FROM
  (SELECT node_id, count(*) AS reports, sum(rows) AS predictions FROM stored GROUP BY node_id) AS r
  LEFT JOIN node_health AS h USING (node_id)
  WHERE h.reports IS NOT r.reports OR h.predictions IS NOT r.predictions;

CREATE TEMP TABLE edge(lower_us INTEGER PRIMARY KEY, bucket INTEGER);
INSERT INTO edge SELECT lower_us, bucket FROM latency_bucket;
CREATE TEMP TABLE counted AS
  SELECT node_id, cohort_id, class, confidence, latency_us,
         iif(lag_ms BETWEEN -600000 AND 31622400000, (id >> 12) - lag_ms, id >> 12) AS ms
  FROM prediction;
CREATE TEMP TABLE a(w, x, y, n, s);
CREATE TEMP TABLE b(w, x, y, n, s);

INSERT INTO a SELECT ms / 60000 * 60000, cohort_id, class, count(*), 0 FROM counted GROUP BY 1, 2, 3;
INSERT INTO b SELECT minute_ms, cohort_id, class, n, 0 FROM class_minute;
SELECT 'class_minute', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 900000 * 900000, cohort_id, class, count(*), sum(confidence) FROM counted GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, class, n, confidence_sum FROM class_quarter;
SELECT 'class_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 900000 * 900000, cohort_id, min(confidence / 500, 19), count(*), sum(confidence) FROM counted GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bin, n, confidence_sum FROM confidence_quarter;
SELECT 'confidence_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 900000 * 900000, cohort_id,
    (SELECT bucket FROM edge WHERE lower_us <= latency_us ORDER BY lower_us DESC LIMIT 1),
    count(*), sum(latency_us) FROM counted GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bucket, n, latency_sum_us FROM latency_quarter;
SELECT 'latency_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 3600000 * 3600000, node_id, cohort_id, count(*), sum(confidence) + sum(latency_us) FROM counted GROUP BY 1, 2, 3;
INSERT INTO b SELECT hour_ms, node_id, cohort_id, n, confidence_sum + latency_sum_us FROM node_hour WHERE n > 0;
SELECT 'node_hour', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));

SELECT 'stored', (SELECT count(*) FROM prediction);
PRAGMA integrity_check;
