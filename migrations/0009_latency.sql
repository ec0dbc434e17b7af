-- SPDX-License-Identifier: Apache-2.0
-- The histogram of latency as one row a quarter-hour and cohort: a transaction of reports counts in hundreds of
-- its buckets, and one row is written for a tenth of what as many rows cost.

CREATE TEMP TABLE latency_packed AS
  SELECT quarter_ms, cohort_id, json_group_object(bucket, json_array(n, latency_sum_us)) AS buckets
  FROM (SELECT * FROM latency_quarter ORDER BY quarter_ms, cohort_id, bucket) GROUP BY quarter_ms, cohort_id;
DROP TABLE latency_quarter;

CREATE TABLE latency_quarter(
  -- Rollup: histogram of the latency on the node per quarter of an hour and cohort. v_latency_quarter has a row
  -- a bucket.
  quarter_ms INTEGER NOT NULL,        -- start of the quarter-hour, ms since 1970
  cohort_id  INTEGER NOT NULL,
  buckets    TEXT NOT NULL,           -- {"latency_bucket.bucket": [predictions, sum of their latencies in us], ...},
                                      -- ascending
  PRIMARY KEY (quarter_ms, cohort_id)
) STRICT, WITHOUT ROWID;
INSERT INTO latency_quarter SELECT quarter_ms, cohort_id, buckets FROM latency_packed;
DROP TABLE latency_packed;

DROP VIEW v_latency_quarter;
CREATE VIEW v_latency_quarter AS
  -- histogram of latency per quarter-hour and cohort: n predictions of lower_us ... upper_us
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, CAST(j.key AS INTEGER) AS bucket,
         b.lower_us, b.upper_us, b.middle_us, j.value ->> 0 AS n, j.value ->> 1 AS latency_sum_us
  FROM latency_quarter AS q JOIN json_each(q.buckets) AS j
  LEFT JOIN latency_bucket AS b ON b.bucket = CAST(j.key AS INTEGER)
  LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;
