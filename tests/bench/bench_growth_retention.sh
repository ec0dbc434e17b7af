#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deleting MILLIONS million rows under load, the full path (musterd, 16 connections, token, 100 rows
# a report, RATE reports a second): the slowest acknowledgement while retention works, against the
# p99 and the slowest of the same load without retention, before and after it. Counts are read back.
# One line of JSON.
#
#   bench_growth_retention.sh [MILLIONS] [RATE] [SECONDS]    5 200 30: of each load without it
. "$(dirname "$0")/lib.sh"
millions=${1:-5} rate=${2:-200} seconds=${3:-30}
nodes=200
age_days=40

# Rows as ingest stores them, received age_days ago: reports of 100 rows, one each millisecond.
old_rows() {
    sqlite3 "$WORK/data/muster.db" <<SQL
PRAGMA synchronous = OFF;
CREATE TEMP TABLE base AS SELECT (unixepoch() - $age_days * 86400) * 1000 AS ms,
  (SELECT max(id) FROM cohort) AS cohort_id;
WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < $millions * 10000 - 1)
INSERT INTO report SELECT (ms + i) << 12, i % $nodes + 1, cohort_id, 1, i, 100, ms + i, 0, i, 1, 0, NULL FROM base, r;
WITH RECURSIVE row(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM row WHERE i < 99)
INSERT INTO prediction SELECT first_id + i, node_id, cohort_id, i * 7 % 10, i * 7919 % 10001,
  1000 + i * 7919 % 800, (100 - i) * 33, NULL, NULL
FROM report CROSS JOIN row WHERE first_id < (unixepoch() - 86400) * 1000 << 12 ORDER BY first_id, i;
SQL
}

metric() {
    curl -fsS "http://$METRICS/metrics" | sed -n "s/^$1 //p"
}

start() {
    local from
    from=$(date +%s.%N)
    muster_start --metrics-listen 127.0.0.1:0 "$@"
    figure start_s "$(calc "$(date +%s.%N) - $from")"
    METRICS=$(sed -n 's/^metrics on \(http:\/\/\)\{0,1\}//p' "$WORK/server.out")
}

# measure NAME SECONDS: the load; its worst case is the worst of several calls of the same name.
measure() {
    local result
    result=$(muster_reports --rate "$rate" --warm 0.5 --seconds "$2") || fail "load $1: $result"
    figure "$1_p99" "$(field p99_us "$result")"
    figure "$1_max" "$(field max_us "$result")"
    figure "$1_rate" "$(field rate "$result")"
    say "$1: $result"
}

old_left() {
    muster_sql "SELECT count(*) FROM prediction WHERE id < (unixepoch() - 86400) * 1000 << 12"
}

muster_site $nodes
muster_reports --warm 0 --seconds 0.5 >/dev/null || fail "the first reports"
muster_stop
say "filling: $millions million rows of $age_days days ago"
old_rows
filled=$(old_left)
[ "$filled" -eq $((millions * 1000000)) ] || fail "$filled old rows"
quarters=$(muster_sql 'SELECT sum(n) FROM class_quarter')
counted_rows=$(muster_sql "SELECT count(*) FROM prediction WHERE id >= (unixepoch() - 86400) * 1000 << 12")

start --row-days 0
measure without "$seconds"
muster_stop
start --row-days 30
began=$SECONDS
while [ "$(old_left)" -gt 0 ]; do
    measure with 10
    [ $((SECONDS - began)) -lt 300 ] || fail "not deleted within five minutes"
done
deletion_s=$((SECONDS - began))
deleted=$(metric 'muster_retention_deleted_total{kind="rows"}')
steps=$(metric muster_retention_steps_total)
step_s=$(metric muster_retention_seconds_total)
step_max_s=$(metric muster_retention_step_seconds_max)
wal_bytes=$(stat -c %s "$WORK/data/muster.db-wal")
muster_stop
start --row-days 0
measure without "$seconds"
muster_stop
now_counted=$(muster_sql 'SELECT sum(n) FROM class_quarter')
now_rows=$(muster_sql 'SELECT count(*) FROM prediction')
[ $((now_counted - quarters)) -eq $((now_rows - counted_rows)) ] || fail "rollups changed"
printf '{"bench":"growth retention",%s,"fdatasync_us":%s,"deleted":%s,"seconds_at_most":%s,"steps":%s,"step_ms_mean":%s,"step_ms_max":%s,"reports_per_s":%s,"p99_ms_without":%s,"max_ms_without":%s,"p99_ms_with":%s,"max_ms_with":%s,"max_with_less_p99_without_ms":%s,"wal_file_bytes":%s,"database_bytes":%s,"start_s_max":%s}\n' \
    "$(machine_json)" "$(fdatasync_us)" "$deleted" "$deletion_s" "$steps" "$(calc "1000 * $step_s / $steps")" \
    "$(calc "1000 * $step_max_s")" "$rate" "$(calc "$(median without_p99) / 1000")" \
    "$(calc "$(highest without_max) / 1000")" "$(calc "$(median with_p99) / 1000")" \
    "$(calc "$(highest with_max) / 1000")" "$(calc "($(highest with_max) - $(median without_p99)) / 1000")" "$wal_bytes" \
    "$(stat -c %s "$WORK/data/muster.db")" "$(highest start_s)"
