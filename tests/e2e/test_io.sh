#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails system calls of musterd one after the other: the K-th of a kind in each thread, with strace, and
# the K-th write() to a file (tests/tools/shim_write.c: strace would fail event descriptors too, which
# no disk does), once or from then on, for every K that a short life of the server reaches
# (tests/e2e/scenario.sh). MUSTER_FAULTS says how many of all these faults are tried, evenly chosen (12); "all" tries each.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/scenario.sh"
CALLS='pwrite64 fdatasync fsync openat rename renameat2 ftruncate mkdir unlink'

command -v strace >/dev/null || { echo "skipped: no strace"; exit 77; }
strace -o "$WORK/strace.test" true 2>/dev/null || { echo "skipped: strace may not trace here"; exit 77; }

# What strace itself needs: -D makes musterd the process that the shell started.
traced() {
    SERVER_WRAP=(strace -D -f --seccomp-bpf -o "$WORK/trace" "$@")
}

errors_of() {
    case $1 in
        fdatasync | fsync | rename | renameat2 | unlink) echo EIO ;;
        openat) echo EIO EMFILE ;;
        *) echo EIO ENOSPC ;;
    esac
}

# inject FAULT: CALL:error=…:when=… of strace or the variables of the shim.
inject() {
    rm -f "$WORK/trace"
    case $1 in
        # shellcheck disable=SC2206
        WRITE_*) SERVER_WRAP=(env LD_PRELOAD="$TOOLS/shim_write.so" $1) ;;
        *) traced -e "trace=${1%%:*}" -e "inject=$1" ;;
    esac
}

scenario_fired() {
    grep -qs INJECTED "$WORK/trace" || grep -q '^shim_write: ' "$WORK/server.log"
}

scenario_make
inject "WRITE_LIST=$WORK/writes"
scenario_run none
[ -s "$WORK/writes" ] || fail "no write was seen"
traced -e "trace=$(tr ' ' ',' <<<"$CALLS")"
scenario_run none
[ "$EXITED" -eq 0 ] || fail "the server failed without a fault"
# The most that any thread made of each call.
mapfile -t faults < <(
    awk '$2 ~ /^[a-z0-9]+\(/ { sub(/\(.*/, "", $2); n[$1 " " $2]++ }
        END { for (k in n) { split(k, p, " "); if (n[k] > most[p[2]]) most[p[2]] = n[k] }
              for (c in most) print c, most[c] }' "$WORK/trace" | sort |
        while read -r call most; do
            for k in $(seq "$most"); do
                for error in $(errors_of "$call"); do
                    echo "$call:error=$error:when=$k"
                    echo "$call:error=$error:when=$k+"
                done
            done
        done
    for k in $(seq "$(wc -l <"$WORK/writes")"); do
        for error in 5 28; do # EIO ENOSPC
            echo "WRITE_FAIL=$k WRITE_ERRNO=$error"
            echo "WRITE_FAIL=$k WRITE_ERRNO=$error WRITE_TIMES=1000000"
        done
    done
)
[ ${#faults[@]} -gt 100 ] || fail "only ${#faults[@]} faults: the scenario did nothing"
wanted=${MUSTER_FAULTS:-12}
[ "$wanted" != all ] && [ "$wanted" -lt ${#faults[@]} ] || wanted=${#faults[@]}
RUNS=0
for i in $(seq 0 $((wanted - 1))); do
    fault=${faults[$((wanted > 1 ? i * (${#faults[@]} - 1) / (wanted - 1) : 0))]}
    inject "$fault"
    scenario_run "$fault"
done
[ "$FIRED" -ge $((RUNS * 8 / 10)) ] || fail "only $FIRED of $RUNS faults happened"
echo "io: ok faults=$RUNS of ${#faults[@]} happened=$FIRED ended_by_itself=$DIED said_why=$EXITED lost=0 twice=0"
