-- SPDX-License-Identifier: Apache-2.0
-- Summaries: what nodes counted themselves, and how much detail is asked of them.

CREATE TABLE summary(
  -- What a node counted in an interval: all predictions of it. The report of the same first_id brought it;
  -- the rows of that report are samples of these predictions and are in no rollup. Kept as long as rows.
  -- The histograms are JSON objects for json_each: key = class, bin or bucket; a view each reads them.
  first_id       INTEGER PRIMARY KEY, -- report.first_id; first_id >> 12 = time of receipt
  node_id        INTEGER NOT NULL,    -- node.id
  cohort_id      INTEGER NOT NULL,    -- cohort.id
  lag_ms         INTEGER NOT NULL,    -- time of receipt less start of the interval (corrected device time);
                                      -- all of it counts at that start, or at receipt where implausible
  length_ms      INTEGER NOT NULL,    -- length of the interval
  mode           TEXT NOT NULL,       -- what the rows are: 'sampled' = each prediction with probability 1/every,
                                      -- 'changes' = where the class changed, 'summary' = there are none
  every          INTEGER NOT NULL,    -- 1 unless sampled
  rows           INTEGER NOT NULL,    -- rows of the report: ids first_id ... first_id + rows - 1
  n              INTEGER NOT NULL,    -- predictions
  changes        INTEGER NOT NULL,    -- of them with another class than the one before
  confidence_sum INTEGER NOT NULL,    -- of all, in 1/10,000
  latency_sum_us INTEGER NOT NULL,    -- of all
  fullest_bucket INTEGER NOT NULL,    -- of latency, the lowest of equals; in the rollup a bucket's sum is
  rest_us        INTEGER NOT NULL,    -- n times its middle, and this is added to the fullest one's
  classes        TEXT NOT NULL,       -- {"class": [n, sum of confidences in 1/10,000], ...}
  confidence     TEXT NOT NULL,       -- {"bin of 0.05": [n, sum of confidences in 1/10,000], ...}
  latency        TEXT NOT NULL,       -- {"latency_bucket.bucket": n, ...}
  entropy        TEXT,                -- {"bin of 0.05": n, ...} of those that told their probabilities
  margin         TEXT                 -- the same; NULL: none did
) STRICT;

CREATE TABLE entropy_quarter(
  -- Rollup: histogram of entropy (divided by ln of the class count) per quarter of an hour and cohort, of
  -- summarised predictions that told their probabilities.
  quarter_ms INTEGER NOT NULL,        -- start of the quarter-hour, ms since 1970
  cohort_id  INTEGER NOT NULL,
  bin        INTEGER NOT NULL,        -- 0 ... 19: [bin/20, (bin+1)/20), the last one closed
  n          INTEGER NOT NULL,        -- predictions
  PRIMARY KEY (quarter_ms, cohort_id, bin)
) STRICT, WITHOUT ROWID;

CREATE TABLE margin_quarter(
  -- Rollup: the same of the margin (largest less second largest probability).
  quarter_ms INTEGER NOT NULL,        -- start of the quarter-hour, ms since 1970
  cohort_id  INTEGER NOT NULL,
  bin        INTEGER NOT NULL,        -- 0 ... 19: [bin/20, (bin+1)/20), the last one closed
  n          INTEGER NOT NULL,        -- predictions
  PRIMARY KEY (quarter_ms, cohort_id, bin)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_detail(
  -- How much detail is asked of the nodes of a model. A model without a row: 'auto' with the usual budget.
  model        TEXT PRIMARY KEY REFERENCES model(name),
  mode         TEXT NOT NULL CHECK(mode IN ('full', 'sampled', 'changes', 'summary', 'auto')),
  every        INTEGER NOT NULL,      -- 'sampled': one of so many predictions comes as a row
  interval_s   INTEGER NOT NULL,      -- seconds that a summary covers
  rows_per_day INTEGER NOT NULL,      -- the budget of 'auto'
  changed_ms   INTEGER NOT NULL,      -- when it was set
  changed_by   TEXT NOT NULL          -- by whom
) STRICT;

DROP VIEW v_predictions;
CREATE VIEW v_predictions AS
  -- every prediction that is still kept as a row. Narrow by id, not by received_ms: id BETWEEN (from_ms << 12)
  -- AND (to_ms << 12) is a search, received_ms a scan.
  SELECT p.id, p.node_id, n.name AS node, p.cohort_id, c.model, c.version, c.artifact, c.arm,
         p.class, p.confidence / 10000.0 AS confidence, p.latency_us,
         p.id >> 12 AS received_ms,
         (p.id >> 12) - p.lag_ms AS at_ms, -- corrected device time of the frame
         p.lag_ms,
         p.lag_ms BETWEEN -600000 AND 31622400000 AS plausible, -- 1: counted at at_ms
         iif(p.lag_ms BETWEEN -600000 AND 31622400000, (p.id >> 12) - p.lag_ms, p.id >> 12)
           AS counted_ms, -- the time that the rollups count it at
         p.value, p.sample,
         s.first_id IS NULL AS counted, -- 1: the rollups count this row; 0: it is a sample of a summary
         CASE WHEN s.first_id IS NULL THEN 1 WHEN s.mode = 'sampled' THEN s.every END
           AS weight -- predictions that it stands for; NULL: a change of class, which stands for itself only
  FROM prediction AS p
  LEFT JOIN v_cohort AS c ON c.cohort_id = p.cohort_id
  LEFT JOIN node AS n ON n.id = p.node_id
  LEFT JOIN summary AS s ON s.first_id = (SELECT max(first_id) FROM summary WHERE first_id <= p.id)
                        AND s.first_id + s.rows > p.id;

DROP VIEW v_reports;
CREATE VIEW v_reports AS
  -- every batch that is still kept; its predictions are those with id from first_id to last_id
  SELECT r.first_id, r.first_id + r.rows - 1 AS last_id, r.node_id, n.name AS node, r.cohort_id,
         c.model, c.version, c.artifact, c.arm, r.stream, r.seq, r.rows,
         r.first_id >> 12 AS received_ms, r.sent_ms, r.dropped, r.known, r.below_floor,
         coalesce(s.mode, 'full') AS mode, -- what its rows are of its predictions
         coalesce(s.n, r.rows) AS predictions -- that it tells of, as rows or in its summary
  FROM report AS r
  LEFT JOIN v_cohort AS c ON c.cohort_id = r.cohort_id
  LEFT JOIN node AS n ON n.id = r.node_id
  LEFT JOIN summary AS s ON s.first_id = r.first_id;

CREATE VIEW v_summary AS
  -- every summary that is still kept
  SELECT s.first_id, s.node_id, n.name AS node, s.cohort_id, c.model, c.version, c.artifact, c.arm,
         s.first_id >> 12 AS received_ms,
         (s.first_id >> 12) - s.lag_ms AS from_ms, -- corrected device time
         (s.first_id >> 12) - s.lag_ms + s.length_ms AS to_ms,
         s.lag_ms BETWEEN -600000 AND 31622400000 AS plausible, -- 1: counted at from_ms
         iif(s.lag_ms BETWEEN -600000 AND 31622400000, (s.first_id >> 12) - s.lag_ms, s.first_id >> 12)
           AS counted_ms, -- the time that the rollups count it at
         s.mode, s.every, s.rows, s.n, s.changes, s.confidence_sum / 10000.0 / s.n AS mean_confidence,
         1.0 * s.latency_sum_us / s.n AS mean_latency_us
  FROM summary AS s
  LEFT JOIN v_cohort AS c ON c.cohort_id = s.cohort_id
  LEFT JOIN node AS n ON n.id = s.node_id;

CREATE VIEW v_summary_class AS
  -- what each summary counted by class
  SELECT s.first_id, s.node_id, s.cohort_id, s.model, s.version, s.artifact, s.arm, s.counted_ms,
         CAST(j.key AS INTEGER) AS class, j.value ->> 0 AS n, j.value ->> 1 AS confidence_sum
  FROM v_summary AS s JOIN summary AS t ON t.first_id = s.first_id JOIN json_each(t.classes) AS j;

CREATE VIEW v_summary_confidence AS
  -- what each summary counted by confidence: n predictions in [lower, upper)
  SELECT s.first_id, s.node_id, s.cohort_id, s.model, s.version, s.artifact, s.arm, s.counted_ms,
         CAST(j.key AS INTEGER) AS bin, CAST(j.key AS INTEGER) / 20.0 AS lower,
         (CAST(j.key AS INTEGER) + 1) / 20.0 AS upper, j.value ->> 0 AS n,
         j.value ->> 1 AS confidence_sum
  FROM v_summary AS s JOIN summary AS t ON t.first_id = s.first_id JOIN json_each(t.confidence) AS j;

CREATE VIEW v_summary_latency AS
  -- what each summary counted by latency, with the sums that the rollup has
  SELECT s.first_id, s.node_id, s.cohort_id, s.model, s.version, s.artifact, s.arm, s.counted_ms,
         b.bucket, b.lower_us, b.upper_us, b.middle_us, j.value AS n,
         j.value * b.middle_us + iif(b.bucket = t.fullest_bucket, t.rest_us, 0) AS latency_sum_us
  FROM v_summary AS s JOIN summary AS t ON t.first_id = s.first_id JOIN json_each(t.latency) AS j
  JOIN latency_bucket AS b ON b.bucket = CAST(j.key AS INTEGER);

CREATE VIEW v_entropy_quarter AS
  -- histogram of entropy per quarter-hour and cohort: n predictions in [lower, upper)
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.bin,
         q.bin / 20.0 AS lower, (q.bin + 1) / 20.0 AS upper, q.n
  FROM entropy_quarter AS q LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;

CREATE VIEW v_margin_quarter AS
  -- histogram of the margin per quarter-hour and cohort: n predictions in [lower, upper)
  SELECT q.quarter_ms, q.cohort_id, c.model, c.version, c.artifact, c.arm, q.bin,
         q.bin / 20.0 AS lower, (q.bin + 1) / 20.0 AS upper, q.n
  FROM margin_quarter AS q LEFT JOIN v_cohort AS c ON c.cohort_id = q.cohort_id;
