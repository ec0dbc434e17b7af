#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_load.sh BIN: that the load generator of the measurements still does what it says, against
# the real server: what it counts as acknowledged stands in the database, and it counts no
# answer that is not the wanted one. Measures nothing.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"

muster_site 40
stored=0

# reports_counted OPTION...: a run, after which the database has as many more as it acknowledged.
reports_counted() {
    local result acknowledged now
    result=$(muster_reports --warm 0.1 --seconds 0.4 "$@") || fail "reports $*: $result"
    acknowledged=$(field acknowledged "$result")
    now=$(muster_sql 'SELECT count(*) FROM prediction')
    [ "$acknowledged" -gt 0 ] || fail "reports $*: nothing acknowledged"
    [ $((now - stored)) -eq "$acknowledged" ] ||
        fail "reports $*: $acknowledged acknowledged, $((now - stored)) stored"
    stored=$now
}
reports_counted --rows 100
reports_counted --rows 1000 --connections 4
reports_counted --rows 100 --form rows
reports_counted --rows 100 --zstd
[ "$(muster_sql 'SELECT count(DISTINCT node_id) FROM prediction')" -eq 40 ] || fail "not every node reported"
[ "$(muster_sql 'SELECT coalesce(sum(n), 0) FROM class_quarter')" -eq "$stored" ] || fail "rollups differ from rows"

# A report that is refused: nothing is counted, and the exit status says so.
if result=$(muster_reports --warm 0 --seconds 0.2 --connections 1 --model another 2>"$WORK/refused.log"); then
    fail "refused reports pass for good: $result"
fi
grep -q 'status 422' "$WORK/refused.log" || fail "the refusal is not told"
[ "$(field acknowledged "$result")" -eq 0 ] || fail "refused reports are counted"
[ "$(muster_sql 'SELECT count(*) FROM prediction')" -eq "$stored" ] || fail "refused reports are stored"

result=$(load polls --fleet "$WORK/fleet" --warm 0.1 --seconds 0.3) || fail "polls: $result"
[ "$(field answered "$result")" -gt 0 ] || fail "no poll answered"
# So slowly that only the pace decides: never more than was asked for.
result=$(load polls --fleet "$WORK/fleet" --warm 0 --seconds 0.5 --rate 40) || fail "paced polls: $result"
[ "$(field answered "$result")" -le 40 ] || fail "the pace is not kept: $result"
if load polls --path /v1/no-such-thing >"$WORK/out" 2>"$WORK/unknown.log"; then
    fail "404s pass for 304s"
fi

result=$(load idle --connections 100 --sources 4 </dev/null) || fail "idle: $result"
grep -q '"open_at_end":100}' <<<"$result" || fail "idle connections: $result"
result=$(sleep 0.3 | load slow --connections 50) || fail "slow: $result"
[ "$(field bytes "$result")" -gt 50 ] || fail "slow connections send nothing: $result"

[ "$(fdatasync_us)" -gt 0 ] || fail "the probe of fdatasync"
[ "$(process_cpu_s "$SERVER_PID" | tr -d .)" -gt 0 ] || fail "processor time"
for value in 5 1 3; do
    figure some "$value"
done
[ "$(median some) $(lowest some) $(highest some)" = "3 1 5" ] || fail "the median"
[ "$(calc '3 > 4') $(calc '1 / 4')" = "0 0.25" ] || fail "the arithmetic"
muster_stop
echo "load: ok acknowledged=$stored"
