# SPDX-License-Identifier: Apache-2.0
# One short life of a server, run over and over with one fault each time: sourced, not run.
# The life: start, two nodes enrol, get sessions, report and poll; a publisher pushes a version;
# stop. Then the same server without the fault: what was not acknowledged is sent again, by the
# same nodes with the same numbers, and everything acknowledged is judged.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
REPORTS=4
FAULT_PATIENCE_TENTHS=25 # how long the nodes may try against the fault

# scenario_make: the data directory and the repository that each life begins with.
scenario_make() {
    fleet_init --log-requests=0
    fleet_publish 1.0.0 --server "$MUSTER_SERVER"
    RAW_TOKEN=$("$BIN/muster" token create --name reporter --max-uses 10000 --string \
        2>"$WORK/token.log") || fail "muster token create"
    local server=$MUSTER_SERVER
    unset MUSTER_SERVER
    fleet_publish 1.1.0
    MUSTER_SERVER=$server
    export MUSTER_SERVER
    server_stop
    sqlite3 "$WORK/data/muster.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >"$WORK/truncate.out"
    scenario_server
    server_stop
    mv "$WORK/data" "$WORK/template"
}

scenario_server() {
    server_start --log-requests=0 --wal-limit-bytes 1048576 --drain-timeout-ms 3000
}

push() {
    timeout 10 "$BIN/muster" repo push --repo "$WORK/repo" >"$WORK/push.out" 2>"$WORK/push.log"
}

reporter_runs() {
    kill -0 "$REPORTER_PID" 2>/dev/null
}

# server_ends SIGNAL: it ends by itself, or by the signal, with a status that says so; one
# other than 0 with a line that says why. Sets ENDED.
server_ends() {
    local code=0 tenths
    kill "-$1" "$SERVER_PID" 2>/dev/null || true
    for tenths in $(seq 200); do
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    ! kill -0 "$SERVER_PID" 2>/dev/null || fail "$FAULT: musterd does not end"
    wait "$SERVER_PID" || code=$?
    SERVER_PID=
    ENDED=$code
    # The loader had the fault, before the program began.
    [ "$code" -ne 127 ] || ! grep -q 'error while loading shared' "$WORK/server.log" || return 0
    [ "$code" -le 2 ] || fail "$FAULT: musterd ended with status $code"
    [ "$code" -eq 0 ] || grep -Eq '^musterd: | event=out_of_memory ' "$WORK/server.log" ||
        fail "$FAULT: musterd ended with status $code and did not say why"
}

# scenario_run FAULT: with SERVER_WRAP as it is, then without. Adds to the counts.
scenario_run() {
    local wrap=("${SERVER_WRAP[@]}") tenths result
    FAULT=$1
    rm -rf "$WORK/data" "$WORK"/*.ack
    cp -a "$WORK/template" "$WORK/data"
    : >"$WORK/server.log"
    server_launch --log-requests=0 --wal-limit-bytes 1048576 --drain-timeout-ms 3000
    reporter_start load --nodes 2 --rows 20 --reports "$REPORTS" --patience-s 60
    for tenths in $(seq 100); do
        server_listens && break
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.05
    done
    push || true
    for tenths in $(seq "$FAULT_PATIENCE_TENTHS"); do
        reporter_runs && kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    kill -0 "$SERVER_PID" 2>/dev/null || DIED=$((DIED + 1))
    server_ends TERM
    [ "$ENDED" -eq 0 ] || EXITED=$((EXITED + 1))
    scenario_fired && FIRED=$((FIRED + 1))
    SERVER_WRAP=()
    scenario_server
    SERVER_WRAP=("${wrap[@]}")
    reporter_wait
    push || fail "$FAULT: the push afterwards: $(cat "$WORK/push.log")"
    "$BIN/muster" model list --json 2>"$WORK/list.log" | grep -q '1\.1\.0' ||
        fail "$FAULT: version 1.1.0 is not listed after the push"
    server_stop
    result=$(judge "$WORK/data/muster.db") || fail "$FAULT: sqlite3 could not judge"
    judged_well "$result" || fail "$FAULT: $(tr '\n' ' ' <<<"$result")"
    grep -qx "stored|$((2 * REPORTS * 20))" <<<"$result" || fail "$FAULT: $(grep stored <<<"$result")"
    RUNS=$((RUNS + 1))
}
RUNS=0 DIED=0 EXITED=0 FIRED=0
