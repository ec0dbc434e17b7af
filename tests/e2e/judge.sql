-- SPDX-License-Identifier: Apache-2.0
-- Judges a database against the table ack of the caller: acknowledged reports are there whole and
-- once, and every rollup equals the rows of reports without a summary and what the summaries tell
-- (as docs/SCHEMA.md says both). One NAME|NUMBER a line.
SELECT 'acknowledged', count(*), coalesce(sum(rows), 0) FROM (SELECT DISTINCT node, stream, seq, rows FROM ack);
CREATE TEMP TABLE stored AS
  SELECT r.node_id, r.stream, r.seq, r.rows, r.first_id, coalesce(s.n, r.rows) AS predictions
  FROM report AS r LEFT JOIN summary AS s USING (first_id) ORDER BY r.node_id, r.stream, r.seq;
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
  (SELECT node_id, count(*) AS reports, sum(predictions) AS predictions FROM stored GROUP BY node_id) AS r
  LEFT JOIN node_health AS h USING (node_id)
  WHERE h.reports IS NOT r.reports OR h.predictions IS NOT r.predictions;

-- A summary has its report, and its histograms tell of the same predictions.
SELECT 'summaries', count(*) FROM summary AS s LEFT JOIN report AS r USING (first_id)
  WHERE r.rows IS NOT s.rows OR r.node_id IS NOT s.node_id OR r.cohort_id IS NOT s.cohort_id
    OR s.n IS NOT (SELECT sum(j.value ->> 0) FROM json_each(s.classes) AS j)
    OR s.n IS NOT (SELECT sum(j.value ->> 0) FROM json_each(s.confidence) AS j)
    OR s.n IS NOT (SELECT sum(j.value) FROM json_each(s.latency) AS j)
    OR s.confidence_sum IS NOT (SELECT sum(j.value ->> 1) FROM json_each(s.classes) AS j)
    OR s.confidence_sum IS NOT (SELECT sum(j.value ->> 1) FROM json_each(s.confidence) AS j);

CREATE TEMP TABLE edge(lower_us INTEGER PRIMARY KEY, bucket INTEGER);
INSERT INTO edge SELECT lower_us, bucket FROM latency_bucket;
-- The rows of a report with a summary are samples of what it counts.
CREATE TEMP TABLE counted AS
  SELECT node_id, cohort_id, class, confidence, latency_us,
         iif(lag_ms BETWEEN -600000 AND 31622400000, (id >> 12) - lag_ms, id >> 12) AS ms
  FROM prediction AS p WHERE NOT EXISTS (SELECT 1 FROM summary AS s WHERE s.first_id + s.rows > p.id
    AND s.first_id = (SELECT max(first_id) FROM summary WHERE first_id <= p.id));
CREATE TEMP TABLE told AS
  SELECT *, iif(lag_ms BETWEEN -600000 AND 31622400000, (first_id >> 12) - lag_ms, first_id >> 12) AS ms
  FROM summary;
CREATE TEMP TABLE a(w, x, y, n, s);
CREATE TEMP TABLE b(w, x, y, n, s);

-- w, x, y: the key of a rollup's row; n, s: what is counted there and the sum of it.
CREATE TEMP TABLE classes AS
  SELECT ms, cohort_id, class, 1 AS n, confidence AS s FROM counted
  UNION ALL
  SELECT t.ms, t.cohort_id, CAST(j.key AS INTEGER), j.value ->> 0, j.value ->> 1
    FROM told AS t JOIN json_each(t.classes) AS j;
INSERT INTO a SELECT ms / 60000 * 60000, cohort_id, class, sum(n), 0 FROM classes GROUP BY 1, 2, 3;
INSERT INTO b SELECT minute_ms, cohort_id, class, n, 0 FROM class_minute;
SELECT 'class_minute', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 900000 * 900000, cohort_id, class, sum(n), sum(s) FROM classes GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, class, n, confidence_sum FROM class_quarter;
SELECT 'class_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 900000 * 900000, cohort_id, bin, sum(n), sum(s) FROM
  (SELECT ms, cohort_id, min(confidence / 500, 19) AS bin, 1 AS n, confidence AS s FROM counted
   UNION ALL SELECT t.ms, t.cohort_id, CAST(j.key AS INTEGER), j.value ->> 0, j.value ->> 1
     FROM told AS t JOIN json_each(t.confidence) AS j) GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bin, n, confidence_sum FROM confidence_quarter;
SELECT 'confidence_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

-- A summary's sum is that of the middles of its buckets, and what is missing from it in the fullest.
INSERT INTO a SELECT ms / 900000 * 900000, cohort_id, bucket, sum(n), sum(s) FROM
  (SELECT ms, cohort_id, (SELECT bucket FROM edge WHERE lower_us <= latency_us ORDER BY lower_us DESC LIMIT 1)
     AS bucket, 1 AS n, latency_us AS s FROM counted
   UNION ALL SELECT t.ms, t.cohort_id, b.bucket, j.value,
       j.value * b.middle_us + iif(b.bucket = t.fullest_bucket, t.rest_us, 0)
     FROM told AS t JOIN json_each(t.latency) AS j JOIN latency_bucket AS b ON b.bucket = CAST(j.key AS INTEGER))
  GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bucket, n, latency_sum_us FROM v_latency_quarter;
SELECT 'latency_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT ms / 3600000 * 3600000, node_id, cohort_id, sum(n), sum(s) FROM
  (SELECT ms, node_id, cohort_id, 1 AS n, confidence + latency_us AS s FROM counted
   UNION ALL SELECT ms, node_id, cohort_id, n, confidence_sum + latency_sum_us FROM told) GROUP BY 1, 2, 3;
INSERT INTO b SELECT hour_ms, node_id, cohort_id, n, confidence_sum + latency_sum_us FROM node_hour WHERE n > 0;
SELECT 'node_hour', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT t.ms / 900000 * 900000, t.cohort_id, CAST(j.key AS INTEGER), sum(j.value), 0
  FROM told AS t JOIN json_each(t.entropy) AS j GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bin, n, 0 FROM entropy_quarter;
SELECT 'entropy_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));
DELETE FROM a; DELETE FROM b;

INSERT INTO a SELECT t.ms / 900000 * 900000, t.cohort_id, CAST(j.key AS INTEGER), sum(j.value), 0
  FROM told AS t JOIN json_each(t.margin) AS j GROUP BY 1, 2, 3;
INSERT INTO b SELECT quarter_ms, cohort_id, bin, n, 0 FROM margin_quarter;
SELECT 'margin_quarter', count(*) FROM
  (SELECT * FROM (SELECT * FROM a EXCEPT SELECT * FROM b)
   UNION ALL SELECT * FROM (SELECT * FROM b EXCEPT SELECT * FROM a));

SELECT 'summarised', (SELECT coalesce(sum(n), 0) FROM summary);
SELECT 'stored', (SELECT count(*) FROM prediction);
PRAGMA integrity_check;
