#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One API client that asks, again and again, for what needs a scan of MILLIONS million counts per
# minute, each time cut off at the read deadline (100 ms): ingest (full path, 16 connections, 100 rows
# a report) with it against without it, in turn; the largest WAL. One line of JSON.
#
#   bench_growth_scan.sh [MILLIONS] [ROUNDS] [SECONDS]    5 5 5
. "$(dirname "$0")/lib.sh"
millions=${1:-5} rounds=${2:-5} seconds=${3:-5}

# A day of minutes, 10 classes, as many cohorts as it takes.
fill() {
    sqlite3 "$WORK/data/muster.db" <<SQL
PRAGMA synchronous = OFF;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ($millions * 1000000 + 14399) / 14400)
INSERT INTO cohort(artifact, model, arm, label_1, label_2, label_3, label_4)
SELECT artifact, model, arm, 'site ' || i, '', '', '' FROM (SELECT * FROM cohort LIMIT 1), c;
WITH RECURSIVE m(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < 1440),
  k(class) AS (SELECT 0 UNION ALL SELECT class + 1 FROM k WHERE class < 9)
INSERT INTO class_minute SELECT (unixepoch() / 60 - 1500 + m.i) * 60000, cohort.id, class, 5
FROM m CROSS JOIN cohort CROSS JOIN k WHERE label_1 <> '' ORDER BY 1, 2, 3;
SQL
}

# The client: its answers' status codes in $WORK/scans until it is killed.
scan() {
    local to_ms=$(($(date +%s) / 60 * 60000))
    while :; do
        curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $MUSTER_TOKEN" \
            "$MUSTER_SERVER/v1/analytics/classes?step=60&from=$((to_ms - 86400000))&to=$to_ms" >>"$WORK/scans"
    done
}

wal_bytes() { stat -c %s "$WORK/data/muster.db-wal"; }

measure() {
    local result
    result=$(muster_reports --warm 0.5 --seconds "$seconds") || fail "load $1: $result"
    figure "rate_$1" "$(field rate "$result")"
    figure "cpu_$1" "$(field server_cpu_s_per_million "$result")"
    figure "p99_$1" "$(field p99_us "$result")"
    say "round $round, $1: $result"
}

muster_site 200
muster_reports --warm 0 --seconds 0.5 >/dev/null || fail "the first reports"
muster_stop
say "filling: $millions million counts"
fill
counts=$(muster_sql 'SELECT count(*) FROM class_minute')
[ "$counts" -ge $((millions * 1000000)) ] || fail "$counts counts"
muster_start
for round in $(seq 1 "$rounds"); do
    measure without
    scan &
    scanner=$!
    PIDS+=("$scanner")
    measure with
    kill "$scanner"
    wait "$scanner" 2>/dev/null || true
    figure ratio "$(calc "$(awk '$1 == "rate_with" { w = $2 } $1 == "rate_without" { o = $2 } END { print w "/" o }' "$WORK/figures")")"
    figure wal "$(wal_bytes)"
done
scans=$(wc -l <"$WORK/scans")
cut_off=$(grep -vc '^200' "$WORK/scans" || true)
printf '{"bench":"growth scan",%s,"fdatasync_us":%s,"counts":%s,"rounds":%s,"scans":%s,"cut_off":%s,"rate_without":%s,"rate_with":%s,"ratio":%s,"ratio_lowest":%s,"cpu_s_per_million_without":%s,"cpu_s_per_million_with":%s,"p99_ms_without":%s,"p99_ms_with":%s,"wal_file_mb":%s}\n' \
    "$(machine_json)" "$(fdatasync_us)" "$counts" "$rounds" "$scans" "$cut_off" "$(median rate_without)" \
    "$(median rate_with)" "$(median ratio)" "$(lowest ratio)" "$(median cpu_without)" "$(median cpu_with)" \
    "$(calc "$(median p99_without) / 1000")" "$(calc "$(median p99_with) / 1000")" "$(calc "$(highest wal) / 1048576")"
