#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_retention.sh BIN: the real server, while nodes report: it deletes what it received more than
# row_days ago, whatever the nodes' clocks said, then what is beyond row_bytes; counts stay; the
# database and /metrics say from when on it is complete.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/../bench/lib.sh"

now_ms() { echo $(($(date +%s) * 1000)); }

metric() { curl -fsS "http://$METRICS/metrics" | sed -n "s/^$1 //p"; }

start() {
    muster_start --metrics-listen 127.0.0.1:0 "$@"
    METRICS=$(sed -n 's/^metrics on \(http:\/\/\)\{0,1\}//p' "$WORK/server.out")
}

report() { muster_reports --warm 0 --seconds 0.5 --connections 4 --rate 100 >"$WORK/load.json" || fail "reports"; }

# is STATEMENT: it answers 1.
is() { [ "$(muster_sql "$1")" = 1 ]; }

muster_site 5
report
muster_stop
day_ago_id="(unixepoch() - 86400) * 1000 << 12"
shift="(40 * 86400000 << 12)"
half=$(muster_sql 'SELECT first_id FROM report ORDER BY first_id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM report)')
# One half was received 40 days ago; of the other only the nodes' clocks said so.
sqlite3 "$WORK/data/muster.db" "UPDATE prediction SET lag_ms = lag_ms + 40 * 86400000 WHERE id >= $half;
    UPDATE prediction SET id = id - $shift WHERE id < $half;
    UPDATE report SET first_id = first_id - $shift WHERE first_id < $half"
new_rows=$(muster_sql "SELECT count(*) FROM prediction WHERE id >= $half")
old_rows=$(muster_sql "SELECT count(*) FROM prediction WHERE id < $half")
counted=$(muster_sql 'SELECT sum(n) FROM class_quarter')
[ "$old_rows" -gt 0 ] && [ "$new_rows" -gt 0 ] || fail "nothing to delete or to keep"

start --row-days 0
report
is "SELECT count(*) = $old_rows FROM prediction WHERE id < $day_ago_id" || fail "rows went although row_days is 0"
muster_stop
start --row-days 30
report
until_true 60 "deletion by age" is "SELECT count(*) = 0 FROM prediction WHERE id < $day_ago_id"
report
is "SELECT count(*) = 0 FROM report WHERE first_id < $day_ago_id" || fail "reports stay without their rows"
is "SELECT count(*) = $new_rows FROM prediction WHERE lag_ms > 30 * 86400000" || fail "the nodes' clocks decided"
is "SELECT sum(n) - $counted = (SELECT count(*) FROM prediction) - $new_rows FROM class_quarter" ||
    fail "counts are not what was received"
is "SELECT complete_from_ms BETWEEN $(now_ms) - 41 * 86400000 AND $(now_ms) - 39 * 86400000
    FROM v_retention WHERE kind = 'rows'" || fail "v_retention is wrong"
[ "$(metric 'muster_retention_deleted_total{kind="rows"}')" -gt "$old_rows" ] || fail "the metric of deleted rows"
[ "$(metric 'muster_retention_failures_total')" -eq 0 ] || fail "steps failed"
muster_stop

used_sql='SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()'
limit=$(($(muster_sql "$used_sql") - 100000))
newest=$(muster_sql 'SELECT max(id) FROM prediction')
start --row-days 0 --row-bytes "$limit"
until_true 60 "deletion by size" is "SELECT ($used_sql) <= $limit"
is "SELECT max(id) = $newest AND count(*) > 0 FROM prediction" || fail "not the oldest rows went"
is "SELECT count(*) = (SELECT sum(rows) FROM report) FROM prediction" || fail "rows and reports differ"
is "SELECT min(id) >> 12 >= (SELECT complete_from_ms FROM v_retention WHERE kind = 'rows') - 1 FROM prediction" ||
    fail "v_retention is wrong after deletion by size"
report
is "SELECT sum(n) - $counted > 0 FROM class_quarter" || fail "nothing is counted any more"
muster_stop
is "SELECT integrity_check = 'ok' FROM pragma_integrity_check" || fail "integrity_check"
echo "retention: ok"
