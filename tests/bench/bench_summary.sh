#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a node-minute costs as a summary: 1,800 predictions of 10 classes, by the demo's model of the
# demo's pictures. Twenty processes infer beside each other, each its own pictures at the pace of
# a minute, measure their latencies and count as a node does; these twenty reports, compressed
# as a node compresses them, are then sent in turn through the whole path, beside reports of
# 100 rows.
#
#   script/bench summary [ROUNDS] [--seconds S] [--pace N] [--bodies DIR]
#
#   ROUNDS    5; medians are told
#   --pace    N times as fast as a minute (1): for trying; the latencies get worse with it
#   --bodies  twenty reports of an earlier run, minute-*.json in DIR, instead of making them: what
#             MUSTER_BENCH_BODIES=DIR left there
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"

rounds=5
seconds=3
pace=1
kept=
while [ $# -gt 0 ]; do
    case "$1" in
        --seconds) seconds=$2; shift ;;
        --pace) pace=$2; shift ;;
        --bodies) kept=$2; shift ;;
        [1-9] | [1-9][0-9]) rounds=$1 ;;
        *) sed -n '9,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done
NODES=20
PREDICTIONS=${MUSTER_PREDICTIONS:-1800} # fewer in the test of this script
DATASET=${MUSTER_DATASET:-/usr/share/datasets/fashion-mnist}
[ -s "$DATASET/t10k-images-idx3-ubyte.gz" ] || fail "no pictures in $DATASET (package dataset-fashion-mnist)"

muster_site 1000
# Twenty nodes infer beside each other.
make_bodies() {
    local node pid inferring=()
    say "$NODES nodes infer $PREDICTIONS pictures each, for $((60 / pace)) s"
    gzip -dc "$DATASET/t10k-images-idx3-ubyte.gz" >"$WORK/images.idx"
    for node in $(seq 0 $((NODES - 1))); do
        "$BIN/bench_minute" "$WORK/model.mnet" "$WORK/images.idx" "$node" $((PREDICTIONS / 60 * pace)) $PREDICTIONS \
            >"$WORK/minute-$node.json" 2>"$WORK/minute-$node.log" &
        inferring+=("$!")
        PIDS+=("$!")
    done
    for pid in "${inferring[@]}"; do
        wait "$pid" || fail "a node does not infer"
        end_process "$pid"
    done
    [ -z "${MUSTER_BENCH_BODIES:-}" ] || cp "$WORK"/minute-*.json "$MUSTER_BENCH_BODIES/"
}

if [ -n "$kept" ]; then
    cp "$kept"/minute-*.json "$WORK/" || fail "no reports in $kept"
else
    make_bodies
fi
bodies=()
for node in $(seq 0 $((NODES - 1))); do
    bodies+=(--body "$WORK/minute-$node.json")
    figure plain_bytes "$(wc -c <"$WORK/minute-$node.json")"
done

stored() {
    muster_sql 'SELECT count(*) FROM summary'
}

summaries_turn() {
    local before result
    before=$(stored)
    result=$(muster_reports "${bodies[@]}" --zstd --connections 20 --seconds "$seconds") || fail "summaries: $result"
    [ $(($(stored) - before)) -eq "$(field answered "$result")" ] ||
        fail "$(field answered "$result") acknowledged, $(($(stored) - before)) stored"
    figure body "$(field body_bytes "$result")"
    figure cpu "$(field server_cpu_us_per_answer "$result")"
    figure rate "$(field answers_per_s "$result")"
    say "summaries: $(field body_bytes "$result") bytes, $(field server_cpu_us_per_answer "$result") us," \
        "$(field answers_per_s "$result")/s"
}

rows_turn() {
    local result
    result=$(muster_reports --rows 100 --zstd --connections 20 --seconds "$seconds") || fail "rows: $result"
    figure rows_body "$(calc "$(field body_bytes "$result") * $PREDICTIONS / 100")"
    figure rows_cpu "$(calc "$(field server_cpu_us_per_answer "$result") * $PREDICTIONS / 100")"
}

for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    summaries_turn
    rows_turn
done
[ "$(muster_sql 'SELECT sum(n) FROM summary')" -eq $(($(stored) * PREDICTIONS)) ] || fail "summaries of another count"
printf '%-34s %16s %16s\n' "$PREDICTIONS predictions" "bytes, zstd" "server CPU us"
printf '%-34s %16.0f %16.1f\n' "one summary" "$(median body)" "$(median cpu)"
printf '%-34s %16.0f %16.1f\n' "18 reports of 100 rows" "$(median rows_body)" "$(median rows_cpu)"
echo "before compression $(median plain_bytes) bytes; $(median rate) summaries/s"
printf '{"bench":"summary","rounds":%s,%s,"predictions":%s,"pace":%s,"body_bytes":%s,"plain_bytes":%s,"cpu_us":%s,"per_s":%s,"rows_bytes":%s,"rows_cpu_us":%s}\n' \
    "$rounds" "$(machine_json)" "$PREDICTIONS" "$pace" "$(median body)" "$(median plain_bytes)" "$(median cpu)" \
    "$(median rate)" "$(median rows_body)" "$(median rows_cpu)"
muster_stop
