-- SPDX-License-Identifier: Apache-2.0
-- Reports: what nodes predicted, the counters made of it, and what makes each report count once.
-- Comments inside CREATE TABLE survive in `.schema`; docs/SCHEMA.md is the guided tour.

CREATE TABLE cohort(
  -- What predictions are counted under: artifact, rollout arm and the declared labels together.
  -- A row is made when a combination first reports and is never changed or deleted.
  id       INTEGER PRIMARY KEY,
  artifact BLOB NOT NULL CHECK(length(artifact) = 32), -- SHA-256 of the model file that ran
  model    TEXT NOT NULL,             -- name of the model, as reported
  arm      TEXT NOT NULL,             -- of a rollout: canary, control, holdback, shadow; else none
  label_1  TEXT NOT NULL,             -- values of the (up to four) labels that the
  label_2  TEXT NOT NULL,             --   administrator declared for analysis, '' where the node
  label_3  TEXT NOT NULL,             --   has no such label
  label_4  TEXT NOT NULL,
  UNIQUE (artifact, model, arm, label_1, label_2, label_3, label_4)
) STRICT;

CREATE TABLE report(
  -- One batch of predictions, acknowledged. Its rows are the predictions with ids from first_id to
  -- first_id + rows - 1. A report of no rows (a heartbeat) uses up one id as well.
  first_id      INTEGER PRIMARY KEY,  -- time of receipt in ms << 12 | counter
  node_id       INTEGER NOT NULL,     -- node.id; no foreign key: nodes are never deleted
  cohort_id     INTEGER NOT NULL REFERENCES cohort(id),
  stream        INTEGER NOT NULL,     -- the node's queue: a new queue is a new stream
  seq           INTEGER NOT NULL,     -- grows within a stream; (node_id, stream, seq) occurs once
  rows          INTEGER NOT NULL,     -- number of predictions
  sent_ms       INTEGER NOT NULL,     -- the node's corrected time of sending, ms since 1970
  dropped       INTEGER NOT NULL,     -- predictions that the node had to drop since its last report
  body_hash     INTEGER NOT NULL,     -- low 32 bits of SipHash-2-4 of the decoded body
  known         INTEGER NOT NULL,     -- 1: the artifact was published when the report came
  below_floor   INTEGER NOT NULL      -- 1: the running model was below the signed floor
) STRICT;

CREATE TABLE prediction(
  -- One prediction of one node. The id is the time index: id >> 12 is the time of receipt in ms, so
  -- a range of time is a range of ids, and there is no other index (each would cost three times the
  -- processor time of an insert). For the same reason there are no foreign keys and checks here: the
  -- server checks node_id, cohort_id and every value before it inserts.
  id         INTEGER PRIMARY KEY,     -- time of receipt in ms << 12 | counter
  node_id    INTEGER NOT NULL,        -- node.id
  cohort_id  INTEGER NOT NULL,        -- cohort.id: which model, arm and labels
  class      INTEGER NOT NULL,        -- index of the predicted class, from 0
  confidence INTEGER NOT NULL,        -- of that class, in 1/10,000: 9800 is 0.98
  latency_us INTEGER NOT NULL,        -- inference time on the node, microseconds
  lag_ms     INTEGER NOT NULL,        -- time of receipt minus corrected time of the frame
  value      REAL,                    -- regression or anomaly score
  sample     INTEGER                  -- integer of the node's choice that a label can name
) STRICT;

CREATE TABLE sample(
  -- Predictions that the node gave a sample number: kept longer than table prediction, and indexed, so
  -- that a label that arrives late finds what was predicted.
  id          INTEGER PRIMARY KEY,    -- prediction.id
  node_id     INTEGER NOT NULL,       -- node.id
  cohort_id   INTEGER NOT NULL,       -- cohort.id
  sample      INTEGER NOT NULL,       -- the node's number of the sample
  class       INTEGER NOT NULL,       -- as in prediction
  confidence  INTEGER NOT NULL,       -- in 1/10,000
  lag_ms      INTEGER NOT NULL,       -- as in prediction
  reason      TEXT NOT NULL DEFAULT 'node', -- why it was selected: 'node' = the node's own choice
  probability REAL                    -- with which it was selected; NULL: unknown
) STRICT;
CREATE INDEX sample_by_node ON sample(node_id, sample);

CREATE TABLE stream(
  -- What makes a report count once: for the newest four streams of a node the highest seq and the last
  -- 16 reports. Written in the transaction of the rows.
  node_id INTEGER NOT NULL,           -- node.id
  stream  INTEGER NOT NULL,
  highest INTEGER NOT NULL,           -- highest seq that was stored
  ring    BLOB NOT NULL CHECK(length(ring) = 256), -- 16 slots of 16 bytes, slot = seq mod 16:
                                      -- first_id (8, little-endian; 0: not seen), rows (4), body_hash (4)
  PRIMARY KEY (node_id, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE class_minute(
  -- Rollup: predictions per minute, cohort and class. Kept for days (option minute_rollup_days).
  -- All rollups count a prediction at its corrected device time, or at the time of receipt when that is
  -- implausible (lag_ms outside -600000 ... 31622400000); all of them can be added up.
  minute_ms INTEGER NOT NULL,         -- start of the minute, ms since 1970
  cohort_id INTEGER NOT NULL,
  class     INTEGER NOT NULL,
  n         INTEGER NOT NULL,         -- predictions
  PRIMARY KEY (minute_ms, cohort_id, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE class_quarter(
  -- Rollup: predictions per quarter of an hour, cohort and class. Kept for years.
  quarter_ms     INTEGER NOT NULL,    -- start of the quarter-hour, ms since 1970
  cohort_id      INTEGER NOT NULL,
  class          INTEGER NOT NULL,
  n              INTEGER NOT NULL,    -- predictions
  confidence_sum INTEGER NOT NULL,    -- sum of their confidences, 1/10,000
  PRIMARY KEY (quarter_ms, cohort_id, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE confidence_quarter(
  -- Rollup: histogram of confidence per quarter of an hour and cohort, 20 bins of 0.05.
  quarter_ms     INTEGER NOT NULL,
  cohort_id      INTEGER NOT NULL,
  bin            INTEGER NOT NULL,    -- 0 ... 19: [bin/20, (bin+1)/20), the last one closed
  n              INTEGER NOT NULL,    -- predictions
  confidence_sum INTEGER NOT NULL,    -- sum of their confidences, 1/10,000
  PRIMARY KEY (quarter_ms, cohort_id, bin)
) STRICT, WITHOUT ROWID;

CREATE TABLE latency_quarter(
  -- Rollup: histogram of the latency on the node per quarter of an hour and cohort.
  quarter_ms     INTEGER NOT NULL,
  cohort_id      INTEGER NOT NULL,
  bucket         INTEGER NOT NULL,    -- latency_bucket.bucket
  n              INTEGER NOT NULL,    -- predictions
  latency_sum_us INTEGER NOT NULL,    -- sum of their latencies
  PRIMARY KEY (quarter_ms, cohort_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_hour(
  -- Rollup: what each node did per hour and cohort. Sums only, so rows can be added up.
  hour_ms           INTEGER NOT NULL, -- start of the hour, ms since 1970
  node_id           INTEGER NOT NULL,
  cohort_id         INTEGER NOT NULL,
  n                 INTEGER NOT NULL, -- predictions
  confidence_sum    INTEGER NOT NULL, -- sum of their confidences, 1/10,000
  latency_sum_us    INTEGER NOT NULL, -- sum of their latencies
  implausible       INTEGER NOT NULL, -- predictions with an implausible time, counted at receipt
  reports           INTEGER NOT NULL, -- reports received in this hour
  dropped           INTEGER NOT NULL, -- predictions dropped by the node, as told in those reports
  first_received_ms INTEGER NOT NULL, -- earliest and latest receipt of what is counted here
  last_received_ms  INTEGER NOT NULL,
  PRIMARY KEY (hour_ms, node_id, cohort_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_health(
  -- The newest state of each node that ever reported, and its totals.
  node_id     INTEGER PRIMARY KEY,    -- node.id
  report_ms   INTEGER NOT NULL,       -- receipt of its newest report
  cohort_id   INTEGER NOT NULL,       -- of its newest report
  below_floor INTEGER NOT NULL,       -- of its newest report
  reports     INTEGER NOT NULL,       -- stored in all
  predictions INTEGER NOT NULL,       -- stored in all
  dropped     INTEGER NOT NULL,       -- dropped by the node in all, as it told
  health_ms   INTEGER,                -- receipt of the newest health; NULL: it never told any. In it:
  cpu_pct     REAL,                   -- processor use, per cent
  rss_bytes   INTEGER,                -- resident memory of the agent
  temp_c      REAL,                   -- temperature, degrees Celsius
  power_mw    REAL,                   -- power, milliwatts
  queued      INTEGER,                -- batches waiting on the node
  rejected    INTEGER,                -- batches that the server refused for good
  inferred    INTEGER,                -- predictions made since the agent started
  state       TEXT                    -- the agent's own word for its state
) STRICT;

CREATE TABLE latency_bucket(
  -- The edges of the latency histogram, fixed for ever: below 64 us each microsecond has its bucket, above
  -- it 64 buckets share each doubling, so that the middle is within 0.8 % of every value.
  bucket    INTEGER PRIMARY KEY,      -- 0 ... 1727
  lower_us  INTEGER NOT NULL,         -- smallest latency in it
  upper_us  INTEGER NOT NULL,         -- largest latency in it
  middle_us INTEGER NOT NULL          -- what percentiles answer
) STRICT;

WITH RECURSIVE numbers(b) AS (SELECT 0 UNION ALL SELECT b + 1 FROM numbers WHERE b < 1727),
     edges(b, lower, width) AS (
       SELECT b, iif(b < 64, b, (64 + b % 64) << (b / 64 - 1)), iif(b < 64, 1, 1 << (b / 64 - 1))
       FROM numbers)
INSERT INTO latency_bucket SELECT b, lower, lower + width - 1, lower + (width - 1) / 2 FROM edges;
