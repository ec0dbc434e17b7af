#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the dashboard takes to show a large fleet: 100,000 nodes and 10 million predictions of a week,
# made by SQL. Chromium opens the page afresh in each round: first paint, and until the fleet's
# numbers, every chart and the first page of nodes stand there; then how long the series take over
# loopback. One line of JSON.
#
#   bench_page.sh [NODES [PREDICTIONS [ROUNDS]]]    100000 10000000 7
. "$(dirname "$0")/lib.sh"
nodes=${1:-100000} predictions=${2:-10000000} rounds=${3:-7}
days=7

command -v node >/dev/null && [ -x "${CHROMIUM:=/usr/bin/chromium}" ] &&
    [ -d "$SOURCE/tests/node_modules/playwright-core" ] || fail "no node, Chromium or playwright-core (script/setup --all)"
export CHROMIUM

# ask NAME TARGET: the median time of ten answers, in ms.
ask() {
    local i
    for i in $(seq 1 10); do
        figure "$1" "$(calc "1000 * $(curl -fsS -o /dev/null -w '%{time_total}' \
            -H "Authorization: Bearer $MUSTER_TOKEN" "$MUSTER_SERVER$2")")"
    done
    median "$1"
}

muster_site 1
muster_stop
say "filling: $nodes nodes, $predictions predictions"
here=$(dirname "$0")
sqlite3 -bail "$WORK/data/muster.db" ".parameter init" ".parameter set :nodes $nodes" ".parameter set :spread 1" \
    ".read $here/growth_nodes.sql" || fail "filling nodes"
# The outage takes two hours of a week away, so so many more are asked for.
sqlite3 -bail "$WORK/data/muster.db" ".parameter init" ".parameter set :predictions $((predictions * 170 / 168))" \
    ".parameter set :days $days" ".read $here/page_fill.sql" || fail "filling predictions"
muster_start
stored=$(muster_sql 'SELECT count(*) FROM prediction')
[ "$stored" -gt 0 ] || fail "nothing was filled in"
say "stored: $stored predictions; the page, $rounds times"
page=$(node "$SOURCE/tests/bench/bench_page.mjs" "$MUSTER_SERVER" "$rounds" ${MUSTER_PICTURE:+"$MUSTER_PICTURE"}) || fail "the page"
to=$(($(date +%s) * 1000))
series=
for metric in volume classes latency; do
    for span in 1 24 168 8760; do
        took=$(ask "${metric}_$span" "/v1/series?metric=$metric&width=800&from=$((to - span * 3600000))&to=$to")
        series="$series,\"${metric}_${span}h_ms\":$took"
    done
done
printf '{"bench":"page",%s,"nodes":%s,"predictions":%s,%s%s}\n' "$(machine_json)" \
    "$(muster_sql 'SELECT count(*) FROM node')" "$stored" "$page" "$series"
