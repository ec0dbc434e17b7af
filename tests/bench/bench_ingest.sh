#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Durable ingest, muster and its peers in turn: 16 connections, the same predictions, every count
# read back from the peer. muster goes the whole way: nodes with sessions, validation, dedupe,
# rollups, fdatasync before the answer.
#
#   script/bench ingest [ROUNDS] [--install] [--seconds S] [--only "NAME ..."] [--rows "N ..."]
#
#   ROUNDS      5; medians are told, ratios are medians of the ratios of the rounds
#   --install   first installs the peers (script/setup --bench)
#   --only      of: muster rows zstd sqlite influx postgres victoria (all but zstd);
#               what is not installed is left out and named
#   --rows      predictions a report ("100 1000")
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/peers.sh"

rounds=5
seconds=3
peers="muster rows sqlite influx postgres victoria"
sizes="100 1000"
while [ $# -gt 0 ]; do
    case "$1" in
        --install) "$SOURCE/script/setup" --bench >&2 ;;
        --seconds) seconds=$2; shift ;;
        --only) peers=$2; shift ;;
        --rows) sizes=$2; shift ;;
        [1-9] | [1-9][0-9]) rounds=$1 ;;
        *) sed -n '7,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

# present NAME: whether the peer is there.
present() {
    case "$1" in
        influx) command -v influxd ;;
        postgres) command -v "$POSTGRES_BIN/initdb" ;;
        victoria) command -v victoria-metrics ;;
        *) true ;;
    esac >/dev/null
}
names=()
for peer in $peers; do
    if present "$peer"; then
        names+=("$peer")
    else
        say "$peer is not installed and left out (script/setup --bench)"
    fi
done

# turn NAME ROWS: one run of one peer.
turn() {
    local name=$1 rows=$2 result stored
    "${name}_up"
    sync -f "$WORK"
    figure fdatasync "$(fdatasync_us)"
    result=$("${name}_load" "$rows" "$seconds") || fail "$name: $result"
    stored=$("${name}_stored")
    [ "$stored" = "$(field acknowledged "$result")" ] ||
        fail "$name acknowledged $(field acknowledged "$result") and has $stored"
    [ "$stored" -gt 0 ] || fail "$name acknowledged nothing within $seconds s"
    "${name}_down"
    figure "$name.$rows.rate" "$(field rate "$result")"
    figure "$name.$rows.cpu" "$(field server_cpu_s_per_million "$result")"
    figure "$name.$rows.stored" "$stored"
    LAST_RATE=$(field rate "$result")
    say "rows=$rows $name: $LAST_RATE/s, $(field server_cpu_s_per_million "$result") s/M, $stored stored"
}

# one_round ROWS NUMBER: all in turn, every other round backwards; then the ratios to muster.
one_round() {
    local rows=$1 name order=("${names[@]}")
    declare -A rate=()
    [ $(($2 % 2)) -eq 1 ] || mapfile -t order < <(printf '%s\n' "${names[@]}" | tac)
    for name in "${order[@]}"; do
        turn "$name" "$rows"
        rate[$name]=$LAST_RATE
    done
    for name in "${names[@]}"; do
        [ -z "${rate[muster]:-}" ] ||
            figure "$name.$rows.ratio" "$(calc "${rate[muster]} / ${rate[$name]}")"
    done
}

title() {
    case "$1" in
        muster) echo "muster" ;;
        rows) echo "muster, rows as JSON" ;;
        zstd) echo "muster, zstd" ;;
        sqlite) echo "SQLite alone, FULL" ;;
        influx) echo "InfluxDB 1.6" ;;
        postgres) echo "PostgreSQL 15" ;;
        victoria) echo "VictoriaMetrics (*)" ;;
    esac
}

print_table() {
    local rows name
    printf '%-22s %9s %12s %23s %12s %14s\n' "" "rows" "rate/s" "lowest ... highest" "CPU s/M" "muster is x"
    for rows in $sizes; do
        for name in "${names[@]}"; do
            printf '%-22s %9s %12.0f %10.0f ... %8.0f %12.2f %14s\n' "$(title "$name")" "$rows" \
                "$(median "$name.$rows.rate")" "$(lowest "$name.$rows.rate")" "$(highest "$name.$rows.rate")" \
                "$(median "$name.$rows.cpu")" "$(median "$name.$rows.ratio")"
        done
    done
    echo "fdatasync: median $(median fdatasync) us, $(lowest fdatasync) ... $(highest fdatasync)"
    echo "(*) acknowledges what is in memory; all others after a sync"
}

print_json() {
    local rows name comma=''
    printf '{"bench":"ingest","rounds":%s,"seconds":%s,"connections":%s,%s,"fdatasync_us":%s' \
        "$rounds" "$seconds" "$CONNECTIONS" "$(machine_json)" "$(median fdatasync)"
    for rows in $sizes; do
        printf ',"rows_%s":{' "$rows"
        comma=
        for name in "${names[@]}"; do
            printf '%s"%s":{"rate":%s,"cpu_s_per_million":%s,"muster_ratio":%s}' "$comma" "$name" \
                "$(median "$name.$rows.rate")" "$(median "$name.$rows.cpu")" "$(median "$name.$rows.ratio")"
            comma=,
        done
        printf '}'
    done
    printf '}\n'
}

muster_site 1000
muster_stop
for round in $(seq "$rounds"); do
    for rows in $sizes; do
        say "round $round of $rounds, $rows a report"
        one_round "$rows" "$round"
    done
done
print_table
print_json
