#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory runs out at every place of musterd where some is asked for, one after the other, once or
# from then on (tests/tools/shim_oom.c, tests/e2e/scenario.sh). MUSTER_FAULTS says how many of all
# these faults are tried, evenly chosen (20); "all" tries each.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/scenario.sh"

without_memory() {
    SERVER_WRAP=(env LD_PRELOAD="$TOOLS/shim_oom.so" "$@")
}

scenario_fired() {
    grep -q '^shim_oom: ' "$WORK/server.log"
}

scenario_make
without_memory OOM_LIST="$WORK/places"
scenario_run none
[ "$EXITED" -eq 0 ] || fail "the server failed without a fault"
mapfile -t faults < <(
    while read -r place; do
        echo "OOM_FAIL=$place OOM_TIMES=1"
        echo "OOM_FAIL=$place OOM_TIMES=1000000"
        echo "OOM_FAIL=$place OOM_TIMES=1 OOM_SKIP=5"
    done <"$WORK/places"
)
[ ${#faults[@]} -gt 100 ] || fail "only ${#faults[@]} faults: the scenario did nothing"
wanted=${MUSTER_FAULTS:-20}
[ "$wanted" != all ] && [ "$wanted" -lt ${#faults[@]} ] || wanted=${#faults[@]}
RUNS=0
for i in $(seq 0 $((wanted - 1))); do
    fault=${faults[$((wanted > 1 ? i * (${#faults[@]} - 1) / (wanted - 1) : 0))]}
    # shellcheck disable=SC2086
    without_memory $fault
    scenario_run "$fault"
done
[ "$FIRED" -ge $((RUNS / 3)) ] || fail "only $FIRED of $RUNS faults happened"
echo "oom: ok faults=$RUNS of ${#faults[@]} happened=$FIRED ended_by_itself=$DIED said_why=$EXITED lost=0 twice=0"
