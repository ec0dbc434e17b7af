#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a million registered nodes cost, each with one stream and a full ring, against a
# thousand: time and processor time of the start, resident memory, and processor time of a
# poll, both servers in turn. And enrolments a second, once.
#
#   script/bench growth nodes [ROUNDS [NODES]]      5 rounds, 1,000,000 nodes
#
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"

rounds=${1:-5}
nodes=${2:-1000000}
fleet=5000 # nodes that poll, spread over all
seconds=3
case "$rounds$nodes" in *[!0-9]*) sed -n '7,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
spread=$((nodes / fleet))
[ "$spread" -ge 1 ] || fail "at least $fleet nodes"

MUSTER_OPTIONS+=(--address-requests-per-s 0)
say "$fleet nodes enrol"
began=$(date +%s.%N)
muster_site "$fleet"
enrol_s=$(sed -n 's/.*"enrol_s":\([0-9.]*\).*/\1/p' "$WORK/enroll.log")
enrol_s=${enrol_s:-$(calc "$(date +%s.%N) - $began")}
muster_stop
say "filling up to $nodes nodes"
cp -a "$WORK/data" "$WORK/small"
sqlite3 "$WORK/data/muster.db" ".parameter set :nodes $nodes" ".parameter set :spread $spread" \
    ".read $(dirname "$0")/growth_nodes.sql" || fail "filling"
[ "$(muster_sql 'SELECT count(*) FROM node')" -eq "$nodes" ] || fail "not $nodes nodes"
cp "$WORK/fleet" "$WORK/fleet.small"
awk -v spread="$spread" 'NR > 1 { $1 *= spread } { print }' "$WORK/fleet.small" >"$WORK/fleet.large"
sqlite3 "$WORK/small/muster.db" "SELECT 1" >"$WORK/sqlite.log" || fail "the small one"
mv "$WORK/data" "$WORK/large"

# use small|large: the data directory and fleet of what follows.
use() {
    ln -sfn "$1" "$WORK/data"
    cp "$WORK/fleet.$1" "$WORK/fleet"
}

# start_measured small|large: starts it; figures of start and memory.
start_measured() {
    use "$1"
    local began
    began=$(date +%s.%N)
    muster_start
    figure "$1.start_s" "$(calc "$(date +%s.%N) - $began")"
    figure "$1.start_cpu_s" "$(process_cpu_s "$SERVER_PID")"
    figure "$1.rss_mb" "$(calc "$(process_rss_kb "$SERVER_PID") / 1000")"
}

poll() {
    local result
    result=$(load polls --fleet "$WORK/fleet" --seconds $seconds --connections 64 --server-pid "$SERVER_PID") ||
        fail "polls: $result"
    figure "$1.poll_us" "$(field server_cpu_us_per_answer "$result")"
    figure "$1.polls" "$(field answers_per_s "$result")"
    figure "$1.rss_after_mb" "$(calc "$(process_rss_kb "$SERVER_PID") / 1000")"
    POLL_US=$(field server_cpu_us_per_answer "$result")
    say "$1: $POLL_US us, $(field answers_per_s "$result")/s"
}

for round in $(seq "$rounds"); do
    order="small large"
    [ $((round % 2)) -eq 1 ] || order="large small"
    declare -A cost=()
    for one in $order; do
        start_measured "$one"
        poll "$one"
        cost[$one]=$POLL_US
        muster_stop
    done
    figure ratio "$(calc "${cost[large]} / ${cost[small]}")"
done

row() {
    printf '%-34s %12s %12s\n' "$1" "$(median "small.$2")" "$(median "large.$2")"
}

printf '%-34s %12s %12s\n' "medians of $rounds rounds" "$fleet nodes" "$nodes nodes"
row "start, s" start_s
row "start, processor s" start_cpu_s
row "resident after the start, MB" rss_mb
row "resident after the polls, MB" rss_after_mb
row "a poll, processor us" poll_us
row "polls a second" polls
printf 'cost of a poll, large : small %s (%s … %s)\n' "$(median ratio)" "$(lowest ratio)" "$(highest ratio)"
printf 'enrolments: %s nodes in %s s\n' "$fleet" "$enrol_s"
printf '{"bench":"growth_nodes","rounds":%s,"nodes":%s,"start_s":%s,"start_cpu_s":%s,"rss_mb":%s,' \
    "$rounds" "$nodes" "$(median large.start_s)" "$(median large.start_cpu_s)" "$(median large.rss_mb)"
printf '"rss_after_polls_mb":%s,"poll_us":%s,"poll_ratio":%s,"enrol_s":%s,"enrolled":%s,%s}\n' \
    "$(median large.rss_after_mb)" "$(median large.poll_us)" "$(median ratio)" "$enrol_s" "$fleet" "$(machine_json)"
