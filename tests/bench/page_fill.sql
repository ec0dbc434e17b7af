-- SPDX-License-Identifier: Apache-2.0
-- Fills a data directory that has the published model `fashion` with :predictions predictions of
-- its nodes in the last :days days (a hundred rows a report, a daily cycle, an outage of two hours
-- in the last day) and makes the rollups from them, as the server would have.
PRAGMA foreign_keys = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -400000;
BEGIN;
DELETE FROM cohort;
INSERT INTO cohort(artifact, model, arm, label_1, label_2, label_3, label_4)
  SELECT sha256, model, 'none', '', '', '', '' FROM artifact LIMIT 1;

CREATE TEMP TABLE made AS
  WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i <= :predictions / 100),
    at(i, ms) AS (SELECT i, CAST(unixepoch() * 1000 - :days * 86400000.0
      * (1 - i * 100.0 / :predictions + 0.03 / :days * sin(6.283 * :days * i * 100.0 / :predictions)) AS INTEGER) FROM r)
  SELECT i, ms - ms % 60000 + (i * 7919) % 60000 AS ms FROM at
  WHERE ms / 3600000 NOT IN (unixepoch() / 3600 - 9, unixepoch() / 3600 - 8) AND ms < unixepoch() * 1000 - 61000
  ORDER BY ms;
CREATE TEMP TABLE placed AS
  SELECT ms * 4096 + 128 * (row_number() OVER (PARTITION BY ms ORDER BY i) - 1) AS first_id,
         1 + (i * 48271) % (SELECT max(id) FROM node) AS node_id FROM made;
INSERT OR IGNORE INTO report
  SELECT first_id, node_id, (SELECT min(id) FROM cohort), 1, first_id, 100, first_id >> 12, 0, 0, 1, 0, NULL FROM placed;
WITH RECURSIVE k(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k WHERE k < 99)
INSERT INTO prediction
  SELECT first_id + k, node_id, cohort_id, CAST(substr('0000000000011111122222222222222333333344444444444444455555666666666667777777777777788888888999999999',
         1 + (first_id / 4096 * 7 + k * 37) % 100, 1) AS INTEGER),
         9999 - (k * k * 37 + first_id / 4096) % (250 + k * 80), 900 + (k * k * 13 + first_id / 4096) % (40 + k * 12), 1000 + k, NULL, NULL
  FROM report CROSS JOIN k WHERE report.rows = 100;

CREATE TEMP TABLE counted AS
  SELECT (id >> 12) - lag_ms AS ms, node_id, cohort_id, class, confidence, latency_us FROM prediction;
INSERT INTO class_minute SELECT ms - ms % 60000, cohort_id, class, count(*) FROM counted GROUP BY 1, 2, 3;
INSERT INTO class_quarter SELECT ms - ms % 900000, cohort_id, class, count(*), sum(confidence) FROM counted GROUP BY 1, 2, 3;
INSERT INTO confidence_quarter
  SELECT ms - ms % 900000, cohort_id, min(confidence / 500, 19), count(*), sum(confidence) FROM counted GROUP BY 1, 2, 3;
CREATE TEMP TABLE bucket_of(latency_us INTEGER PRIMARY KEY, bucket INTEGER);
INSERT INTO bucket_of
  SELECT latency_us, (SELECT bucket FROM latency_bucket WHERE latency_us BETWEEN lower_us AND upper_us)
  FROM (SELECT DISTINCT latency_us FROM prediction);
INSERT INTO latency_quarter
  SELECT quarter_ms, cohort_id, json_group_object(bucket, json_array(n, us)) FROM
    (SELECT quarter_ms, cohort_id, bucket, sum(n) AS n, sum(us) AS us FROM
      (SELECT ms - ms % 900000 AS quarter_ms, cohort_id, latency_us, count(*) AS n, sum(latency_us) AS us
       FROM counted GROUP BY 1, 2, 3) JOIN bucket_of USING (latency_us)
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3) GROUP BY 1, 2;
INSERT INTO node_hour
  SELECT ms - ms % 3600000, node_id, cohort_id, count(*), sum(confidence), sum(latency_us), 0, count(*) / 100, 0, min(ms), max(ms)
  FROM counted GROUP BY 1, 2, 3;
DELETE FROM node_health;
INSERT INTO node_health(node_id, report_ms, cohort_id, below_floor, reports, predictions, dropped, health_ms, cpu_pct, rss_bytes,
    temp_c, power_mw, queued, rejected, inferred, state)
  SELECT node_id, max(first_id) >> 12, cohort_id, 0, count(*), sum(rows), 0, max(first_id) >> 12, 12.5, 4100000, 51.0, 2100.0,
         node_id % 7 * (node_id % 11 = 0), 0, sum(rows), 'ok'
  FROM report GROUP BY node_id;
UPDATE node SET last_seen_ms = unixepoch() * 1000 - id * 7919 % 80000 WHERE id % 97 > 2;
COMMIT;
