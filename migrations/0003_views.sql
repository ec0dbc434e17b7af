-- SPDX-License-Identifier: Apache-2.0
-- The analyst's interface, and what the dashboard reads: one definition for both.
-- docs/queries.md is the cookbook. Times are ms since 1970; datetime(x / 1000, 'unixepoch') prints one.

CREATE VIEW v_cohort AS
  -- what predictions are counted under, with the version that the artifact was published as
  SELECT c.id AS cohort_id, c.model,
         (SELECT v.version FROM artifact AS a JOIN model_version AS v USING (model, seq)
          WHERE a.sha256 = c.artifact AND a.model = c.model ORDER BY a.seq DESC LIMIT 1)
           AS version, -- NULL: never published here
         (SELECT max(a.seq) FROM artifact AS a WHERE a.sha256 = c.artifact AND a.model = c.model)
           AS seq,
         (SELECT a.classes FROM artifact AS a
          WHERE a.sha256 = c.artifact AND a.model = c.model ORDER BY a.seq DESC LIMIT 1)
           AS classes, -- JSON list of class names
         lower(hex(c.artifact)) AS artifact, -- SHA-256
         c.arm, c.label_1, c.label_2, c.label_3, c.label_4
  FROM cohort AS c;

CREATE VIEW v_predictions AS
  -- every prediction that is still kept. Narrow by id, not by received_ms: id BETWEEN (from_ms << 12)
  -- AND (to_ms << 12) is a search, received_ms a scan.
  SELECT p.id, p.node_id, n.name AS node, p.cohort_id, c.model, c.version, c.artifact, c.arm,
         p.class, p.confidence / 10000.0 AS confidence, p.latency_us,
         p.id >> 12 AS received_ms,
         (p.id >> 12) - p.lag_ms AS at_ms, -- corrected device time of the frame
         p.lag_ms,
         p.lag_ms BETWEEN -600000 AND 31622400000 AS plausible, -- 1: counted at at_ms
         iif(p.lag_ms BETWEEN -600000 AND 31622400000, (p.id >> 12) - p.lag_ms, p.id >> 12)
           AS counted_ms, -- the time that the rollups count it at
         p.value, p.sample
  FROM prediction AS p
  LEFT JOIN v_cohort AS c ON c.cohort_id = p.cohort_id
  LEFT JOIN node AS n ON n.id = p.node_id;

CREATE VIEW v_reports AS
  -- every batch that is still kept; its predictions are those with id from first_id to last_id
  SELECT r.first_id, r.first_id + r.rows - 1 AS last_id, r.node_id, n.name AS node, r.cohort_id,
         c.model, c.version, c.artifact, c.arm, r.stream, r.seq, r.rows,
         r.first_id >> 12 AS received_ms, r.sent_ms, r.dropped, r.known, r.below_floor
  FROM report AS r
  LEFT JOIN v_cohort AS c ON c.cohort_id = r.cohort_id
  LEFT JOIN node AS n ON n.id = r.node_id;

CREATE VIEW v_samples AS
  -- predictions that a label can name by (node_id, sample)
  SELECT s.id, s.node_id, n.name AS node, s.sample, s.cohort_id, c.model, c.version, c.artifact,
         c.arm, s.class, json_extract(c.classes, '$[' || s.class || ']') AS class_name,
         s.confidence / 10000.0 AS confidence, s.id >> 12 AS received_ms,
         (s.id >> 12) - s.lag_ms AS at_ms, s.reason, s.probability
  FROM sample AS s
  LEFT JOIN v_cohort AS c ON c.cohort_id = s.cohort_id
  LEFT JOIN node AS n ON n.id = s.node_id;

CREATE VIEW v_class_minute AS
  -- predictions per minute, cohort and class
  SELECT q.minute_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.class,
         json_extract(c.classes, '$[' || q.class || ']') AS class_name, q.n
  FROM class_minute AS q LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;

CREATE VIEW v_class_quarter AS
  -- predictions per quarter-hour, cohort and class
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.class,
         json_extract(c.classes, '$[' || q.class || ']') AS class_name, q.n, q.confidence_sum
  FROM class_quarter AS q LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;

CREATE VIEW v_confidence_quarter AS
  -- histogram of confidence per quarter-hour and cohort: n predictions in [lower, upper)
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.bin,
         q.bin / 20.0 AS lower, (q.bin + 1) / 20.0 AS upper, q.n, q.confidence_sum
  FROM confidence_quarter AS q LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;

CREATE VIEW v_latency_quarter AS
  -- histogram of latency per quarter-hour and cohort: n predictions of lower_us ... upper_us
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.bucket,
         b.lower_us, b.upper_us, b.middle_us, q.n, q.latency_sum_us
  FROM latency_quarter AS q
  LEFT JOIN latency_bucket AS b ON b.bucket = q.bucket
  LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;

CREATE VIEW v_latency_percentiles AS
  -- percentiles of latency per quarter-hour, model and artifact, by nearest rank over the histogram: the
  -- middle of the bucket that holds the value, within 0.8 %
  WITH summed AS (
         SELECT quarter_ms, model, version, artifact, bucket, middle_us, sum(n) AS n
         FROM v_latency_quarter GROUP BY quarter_ms, model, artifact, bucket),
       ranked AS (
         SELECT *, sum(n) OVER (PARTITION BY quarter_ms, model, artifact ORDER BY bucket) AS upto,
                sum(n) OVER (PARTITION BY quarter_ms, model, artifact) AS total
         FROM summed),
       placed AS (
         SELECT *, min(iif(upto >= (total * 50 + 99) / 100, middle_us, NULL)) OVER histogram AS p50_us,
                min(iif(upto >= (total * 90 + 99) / 100, middle_us, NULL)) OVER histogram AS p90_us,
                min(iif(upto >= (total * 95 + 99) / 100, middle_us, NULL)) OVER histogram AS p95_us,
                min(iif(upto >= (total * 99 + 99) / 100, middle_us, NULL)) OVER histogram AS p99_us
         FROM ranked WINDOW histogram AS (PARTITION BY quarter_ms, model, artifact))
  SELECT quarter_ms, model, version, artifact, total, p50_us, p90_us, p95_us, p99_us,
         middle_us AS max_us
  FROM placed WHERE upto = total; -- the highest bucket

CREATE VIEW v_node_hour AS
  -- what each node did per hour and cohort
  SELECT h.hour_ms, h.node_id, n.name AS node, h.cohort_id, c.model, c.version, c.artifact, c.arm, h.n,
         h.confidence_sum / 10000.0 / nullif(h.n, 0) AS mean_confidence,
         1.0 * h.latency_sum_us / nullif(h.n, 0) AS mean_latency_us,
         h.implausible, h.reports, h.dropped, h.first_received_ms, h.last_received_ms
  FROM node_hour AS h
  LEFT JOIN v_cohort AS c ON c.cohort_id = h.cohort_id
  LEFT JOIN node AS n ON n.id = h.node_id;

CREATE VIEW v_node_health AS
  -- the newest state of each node that ever reported
  SELECT h.node_id, n.name AS node, h.report_ms, h.cohort_id, c.model, c.version, c.artifact, c.arm,
         h.below_floor, h.reports, h.predictions, h.dropped, h.health_ms, h.cpu_pct, h.rss_bytes,
         h.temp_c, h.power_mw, h.queued, h.rejected, h.inferred, h.state
  FROM node_health AS h
  LEFT JOIN v_cohort AS c ON c.cohort_id = h.cohort_id
  LEFT JOIN node AS n ON n.id = h.node_id;

CREATE VIEW v_node_version_history AS
  -- which artifact each node reported with, from when to when
  SELECT h.node_id, n.name AS node, c.model, c.version, c.artifact,
         min(h.first_received_ms) AS first_received_ms, max(h.last_received_ms) AS last_received_ms,
         sum(h.n) AS predictions, sum(h.reports) AS reports
  FROM node_hour AS h
  LEFT JOIN v_cohort AS c ON c.cohort_id = h.cohort_id
  LEFT JOIN node AS n ON n.id = h.node_id
  GROUP BY h.node_id, c.model, c.artifact;
