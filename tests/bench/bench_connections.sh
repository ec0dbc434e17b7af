#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What connections cost that do nothing, and what bad ones cost the good.
#
#   script/bench connections [ROUNDS] [--install] [--seconds S] [--rate N] [--part memory|burden]
#
#   ROUNDS   5; medians are told
#   --rate   polls a second of the good clients, 4,000; 0: as many as go, and then the p99 is that of
#            the queue before a full server
# Memory: resident bytes of musterd for each of 10,000 idle keep-alive connections, each of which
# has had one poll answered, on a fresh server every round. Burden: p99 and rate of 16 connections
# that poll, without and with 8,000 idle and 2,000 slow connections (a byte every 100 ms: head or
# body), in pairs on one server: a round measures twice without, twice with, and takes the lower
# p99 of each two, since what else the machine does can only add. Never more than 9,000 sockets
# a load process.
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"

rounds=5
seconds=3
rate=4000
part=
while [ $# -gt 0 ]; do
    case "$1" in
        --install) ;; # nothing but muster is needed
        --seconds) seconds=$2; shift ;;
        --rate) rate=$2; shift ;;
        --part) part=$2; shift ;;
        [1-9] | [1-9][0-9]) rounds=$1 ;;
        *) sed -n '5,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done
IDLE=${MUSTER_IDLE:-10000} # the test of this script uses fewer
BURDEN_IDLE=$((IDLE * 8 / 10))
BURDEN_SLOW=$((IDLE * 2 / 10))
ulimit -n "$(ulimit -H -n)"
[ "$(ulimit -n)" -gt $((IDLE + 200)) ] || fail "the limit of open files is $(ulimit -n), $((IDLE + 200)) are needed"
# As many as are asked for, and nobody is closed for being idle while it is measured.
CONNECTION_OPTIONS=(--max-connections $((IDLE + 1000)) --max-connections-per-address $((IDLE + 1000))
    --idle-timeout-ms 600000)

# burden_start NAME MODE COUNT [OPTION...]: a load process that holds until burden_end; it prints a
# line when it has what it should have.
declare -A BURDEN_FD=() BURDEN_PID=()
burden_start() {
    local name=$1 fd
    mkfifo "$WORK/$name.in"
    (
        # One that inherits another's input would keep it from ending.
        for fd in "${BURDEN_FD[@]}"; do
            exec {fd}>&-
        done
        exec "$BIN/bench_load" "$2" --to "$ADDRESS" --connections "$3" --sources 8 "${@:4}"
    ) <"$WORK/$name.in" >"$WORK/$name.out" 2>"$WORK/$name.log" &
    BURDEN_PID[$name]=$!
    PIDS+=("$!")
    exec {fd}>"$WORK/$name.in"
    BURDEN_FD[$name]=$fd
    until_true 120 "$3 $2 connections" grep -q "\"open\":$3" "$WORK/$name.out"
}

# burden_end NAME: fails if one of the idle connections was closed meanwhile.
burden_end() {
    local fd=${BURDEN_FD[$1]}
    exec {fd}>&-
    unset "BURDEN_FD[$1]"
    wait "${BURDEN_PID[$1]}" || fail "$1: $(cat "$WORK/$1.out")"
    end_process "${BURDEN_PID[$1]}"
    rm -f "$WORK/$1.in"
}

memory_round() {
    local before after
    muster_start "${CONNECTION_OPTIONS[@]}"
    load polls --fleet "$WORK/fleet" --warm 0 --seconds 1 --connections 64 >"$WORK/warm.log" || fail "polls"
    before=$(process_rss_kb "$SERVER_PID")
    burden_start idle_1 idle $((IDLE / 2)) --fleet "$WORK/fleet"
    burden_start idle_2 idle $((IDLE / 2)) --fleet "$WORK/fleet"
    sleep 1
    after=$(process_rss_kb "$SERVER_PID")
    burden_end idle_1
    burden_end idle_2
    muster_stop
    figure bytes_per_connection "$(calc "($after - $before) * 1024 / $IDLE")"
    figure rss_mb "$(calc "$after / 1024")"
    say "memory: $(calc "($after - $before) * 1024 / $IDLE") bytes a connection, $(calc "$after / 1024") MiB in all"
}

# good NAME: the good clients' turn.
good() {
    local result
    local turn p99
    LAST_P99=
    for turn in 1 2; do
        result=$(load polls --fleet "$WORK/fleet" --seconds "$seconds" --connections 16 --rate "$rate") ||
            fail "good clients: $result"
        p99=$(field p99_us "$result")
        if [ -z "$LAST_P99" ] || [ "$(calc "$p99 < $LAST_P99")" = 1 ]; then
            LAST_P99=$p99
            LAST_RATE=$(field answers_per_s "$result")
        fi
        say "$1, turn $turn: p99 $p99 us, $(field answers_per_s "$result")/s"
    done
    figure "$1.p99" "$LAST_P99"
    figure "$1.rate" "$LAST_RATE"
}

with_burden() {
    burden_start idle idle $BURDEN_IDLE --fleet "$WORK/fleet"
    burden_start slow slow $BURDEN_SLOW
    good with
    figure burden_rss_mb "$(calc "$(process_rss_kb "$SERVER_PID") / 1024")"
    burden_end idle
    burden_end slow
}

burden_round() {
    local p99_without rate_without
    if [ $(($1 % 2)) -eq 1 ]; then
        good without
        p99_without=$LAST_P99 rate_without=$LAST_RATE
        with_burden
        figure p99_ratio "$(calc "$LAST_P99 / $p99_without")"
        figure rate_ratio "$(calc "$LAST_RATE / $rate_without")"
    else
        with_burden
        p99_without=$LAST_P99 rate_without=$LAST_RATE
        good without
        figure p99_ratio "$(calc "$p99_without / $LAST_P99")"
        figure rate_ratio "$(calc "$rate_without / $LAST_RATE")"
    fi
}

muster_site 1000
muster_stop
for round in $([ "$part" = burden ] || seq "$rounds"); do
    say "round $round of $rounds: memory"
    memory_round
done
[ "$part" = memory ] || muster_start "${CONNECTION_OPTIONS[@]}"
for round in $([ "$part" = memory ] || seq "$rounds"); do
    say "round $round of $rounds: burden"
    burden_round "$round"
done
[ "$part" = memory ] || muster_stop
if [ -n "$part" ]; then # one part has no table; its figures, round by round
    cat "$WORK/figures"
    exit 0
fi

echo "idle: $(median bytes_per_connection) bytes a connection at $IDLE ($(lowest bytes_per_connection) ... $(highest bytes_per_connection)), $(median rss_mb) MiB in all"
printf '%-36s %12s %12s\n' "" "p99 us" "304s/s"
printf '%-36s %12.0f %12.0f\n' "good clients alone" "$(median without.p99)" "$(median without.rate)"
printf '%-36s %12.0f %12.0f\n' "with $BURDEN_IDLE idle and $BURDEN_SLOW slow" "$(median with.p99)" "$(median with.rate)"
printf '%-36s %12s %12s\n' "ratio" "$(median p99_ratio)" "$(median rate_ratio)"
echo "ratios of p99 from $(lowest p99_ratio) to $(highest p99_ratio)"
printf '{"bench":"connections","rounds":%s,%s,"connections":%s,"bytes_per_idle_connection":%s,"rss_mib":%s,"p99_us":%s,"p99_burdened_us":%s,"p99_ratio":%s,"rate_ratio":%s,"rss_burdened_mib":%s}\n' \
    "$rounds" "$(machine_json)" "$IDLE" "$(median bytes_per_connection)" "$(median rss_mb)" "$(median without.p99)" \
    "$(median with.p99)" "$(median p99_ratio)" "$(median rate_ratio)" "$(median burden_rss_mb)"
