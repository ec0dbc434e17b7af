#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Polls that are answered 304: musterd, which checks a node's token and computes its assignment
# each time, against nginx with a file of the same size; same client, 16 connections, in turn.
# Then strace counts what musterd writes to files while it answers polls.
#
#   script/bench polls [ROUNDS] [--install] [--seconds S] [--threads N]
#
#   ROUNDS      5; the ratio is the median of the rounds' ratios
#   --threads   event threads of musterd instead of its default
#   --install   first installs nginx and strace (script/setup --bench)
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/peers.sh"

rounds=5
seconds=3
while [ $# -gt 0 ]; do
    case "$1" in
        --install) "$SOURCE/script/setup" --bench >&2 ;;
        --seconds) seconds=$2; shift ;;
        --threads) MUSTER_OPTIONS+=(--threads "$2"); shift ;;
        [1-9] | [1-9][0-9]) rounds=$1 ;;
        *) sed -n '7,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

muster_turn() {
    load polls --fleet "$WORK/fleet" --seconds "$seconds" --connections $CONNECTIONS --server-pid "$SERVER_PID"
}

# note NAME JSON
note() {
    figure "$1.rate" "$(field answers_per_s "$2")"
    figure "$1.cpu" "$(field server_cpu_us_per_answer "$2")"
    figure "$1.p99" "$(field p99_us "$2")"
    LAST_RATE=$(field answers_per_s "$2")
    say "$1: $LAST_RATE/s, $(field server_cpu_us_per_answer "$2") us, p99 $(field p99_us "$2") us"
}

# What nginx answers with: as long as an assignment.
nginx_file() {
    mkdir -p "$WORK/nginx/root/v1"
    head -c 400 /dev/zero | tr '\0' 'x' >"$WORK/nginx/root/v1/assignment"
}

one_round() {
    local name order="muster nginx_1 nginx_2" result
    declare -A rate=()
    [ $(($1 % 2)) -eq 1 ] || order="nginx_2 nginx_1 muster"
    for name in $order; do
        if [ "$name" = muster ]; then
            result=$(muster_turn) || fail "polls: $result"
        else
            nginx_up "${name#nginx_}" /v1/assignment
            result=$(nginx_load) || fail "nginx: $result"
            end_process "$NGINX_PID"
        fi
        note "$name" "$result"
        rate[$name]=$LAST_RATE
    done
    figure ratio_1 "$(calc "${rate[muster]} / ${rate[nginx_1]}")"
    figure ratio_2 "$(calc "${rate[muster]} / ${rate[nginx_2]}")"
}

nginx_load() {
    "$BIN/bench_load" polls --to "127.0.0.1:$NGINX_PORT" --seconds "$seconds" \
        --connections $CONNECTIONS "${NGINX_WORKERS[@]}"
}

is_traced() {
    grep -q '^TracerPid:[^0-9]*[1-9]' "/proc/$SERVER_PID/status"
}

# file_writes: the server's calls that change a file while polls are answered, as strace shows
# them (descriptors with their paths; sockets and counters are no files): those of threads that
# also answer, of which there must be none, and all; and how many times a file was synced.
file_writes() {
    need strace
    strace -f -q -y -e trace=sendto,sendmsg,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,fallocate,rename,unlink \
        -o "$WORK/strace.out" -p "$SERVER_PID" 2>"$WORK/strace.log" &
    local tracer=$! result
    PIDS+=("$tracer")
    until_true 10 "strace" is_traced
    result=$(load polls --fleet "$WORK/fleet" --warm 0 --seconds 5 --connections $CONNECTIONS) || fail "polls: $result"
    end_process "$tracer"
    POLLS_TRACED=$(field answered "$result")
    grep -E '\([0-9]+</|(rename|unlink)\(' "$WORK/strace.out" >"$WORK/strace.files" || true
    FILE_WRITES=$(wc -l <"$WORK/strace.files")
    FILE_SYNCS=$(grep -cE '(fsync|fdatasync)\(' "$WORK/strace.files" || true)
    grep -E '\([0-9]+<(socket|TCP)' "$WORK/strace.out" | sed 's/ .*//' | sort -u >"$WORK/strace.answering"
    [ -s "$WORK/strace.answering" ] || fail "strace saw no answer"
    ANSWERING_WRITES=$(grep -cwFf "$WORK/strace.answering" <(sed 's/ .*//' "$WORK/strace.files") || true)
}

muster_site 1000
nginx_file
muster_turn >"$WORK/warm.log" # the enrolments' pages are written back by now
for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    one_round "$round"
done
file_writes

best=1
[ "$(calc "$(median nginx_2.rate) > $(median nginx_1.rate)")" = 0 ] || best=2
printf '%-28s %12s %16s %10s\n' "" "304s/s" "server CPU us" "p99 us"
for name in muster nginx_1 nginx_2; do
    printf '%-28s %12.0f %16.2f %10.0f\n' "${name/nginx_/nginx, workers: }" "$(median $name.rate)" \
        "$(median $name.cpu)" "$(median $name.p99)"
done
echo "muster is x nginx: $(median ratio_$best) (against $best workers, its better setting)"
echo "strace, $POLLS_TRACED polls: $ANSWERING_WRITES file writes by threads that answer; $FILE_WRITES with $FILE_SYNCS syncs by" \
    "others (when nodes were last seen, for all of them at once)"
printf '{"bench":"polls","rounds":%s,%s,"muster_per_s":%s,"muster_cpu_us":%s,"nginx_workers":%s,"nginx_per_s":%s,"nginx_cpu_us":%s,"ratio":%s,"polls_traced":%s,"answering_writes":%s,"file_writes":%s,"file_syncs":%s}\n' \
    "$rounds" "$(machine_json)" "$(median muster.rate)" "$(median muster.cpu)" "$best" \
    "$(median nginx_$best.rate)" "$(median nginx_$best.cpu)" "$(median ratio_$best)" "$POLLS_TRACED" "$ANSWERING_WRITES" "$FILE_WRITES" "$FILE_SYNCS"
[ "$ANSWERING_WRITES" -eq 0 ] || fail "polls write"
[ "$FILE_SYNCS" -le 20 ] || fail "there are syncs for polls"
muster_stop
