#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A sync fails, and Linux drops what it could not write (MUSTER_ROUNDS times, 8): the next sync
# tells success though the data never reached the disk. shim_disk plays that disk. In turn the log
# and the database fail, the latter while a reader outside has held a checkpoint half-way. Then the
# power is cut: everything acknowledged must be on the disk.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
ROUNDS=${MUSTER_ROUNDS:-8}
DISK=$WORK/disk
mkdir "$DISK"
SERVER_WRAP=(env LD_PRELOAD="$TOOLS/shim_disk.so" DISK_FOLDER="$DISK")
EXITS=0

start() {
    server_start --log-requests=0 --wal-limit-bytes 1048576
}

has_acks_or_ended() {
    reporter_has_acks "$1" || ! kill -0 "$SERVER_PID" 2>/dev/null
}

# Where the server may end instead of going on (docs/OPERATIONS.md), one line says why.
alive_or_started_again() {
    kill -0 "$SERVER_PID" 2>/dev/null && return 0
    local code=0
    wait "$SERVER_PID" || code=$?
    [ "$code" -eq 1 ] || fail "musterd ended with status $code"
    grep -q '^musterd: ' "$WORK/server.log" || fail "musterd ended without a word"
    EXITS=$((EXITS + 1))
    start
}

# The log's disk fails for a while: 503 and not ready meanwhile, and by itself well again.
log_fails() {
    touch "$DISK/fail-muster.db-wal"
    until_true 20 "server that is not ready" server_is_unready
    sleep 0.2
    rm "$DISK/fail-muster.db-wal"
    until_true 20 "ready server" server_is_ready
}

# Another program that has the database open all the time, as an analyst's does: it keeps the
# index of the log in use over a new start of the server.
idle_start() {
    mkfifo "$WORK/idle"
    sqlite3 -readonly "$WORK/data/muster.db" <"$WORK/idle" >"$WORK/idle.out" &
    IDLE_PID=$!
    PIDS+=("$IDLE_PID")
    exec 7>"$WORK/idle"
    echo 'SELECT count(*) FROM node;' >&7
    until_true 20 "answer of the idle reader" test -s "$WORK/idle.out"
}
idle_stop() {
    echo .quit >&7
    exec 7>&-
    wait "$IDLE_PID" || true
    PIDS=("$REPORTER_PID")
    rm -f "$WORK/idle" "$WORK/idle.out"
}

# A checkpoint copies up to where a reader began, and the database's disk fails: before the reader
# begins, so that what was copied is lost, or after.
database_fails() {
    idle_start
    [ $((round % 4)) -eq 3 ] || { touch "$DISK/fail-muster.db" && sleep 0.3; }
    { echo 'BEGIN; SELECT count(*) FROM report;'; sleep 1; echo 'COMMIT;'; } |
        sqlite3 -readonly "$WORK/data/muster.db" >"$WORK/reader.out" &
    local reader=$! acked
    acked=$(wc -l <"$WORK/load.ack")
    until_true 20 "acknowledgements beside a reader, or its end" has_acks_or_ended $((acked + 200))
    touch "$DISK/fail-muster.db"
    wait "$reader" || true
    sleep 0.5
    rm "$DISK/fail-muster.db"
    alive_or_started_again
    acked=$(wc -l <"$WORK/load.ack")
    until_true 20 "acknowledgements after the failure" reporter_has_acks $((acked + 200))
    idle_stop
}

power_cut() {
    server_kill
    mv "$DISK/muster.db" "$DISK/muster.db-wal" "$WORK/data/"
    rm -f "$WORK/data/muster.db-shm"
    rm -rf "$WORK/judged"
    mkdir "$WORK/judged"
    cp "$WORK"/data/muster.db "$WORK"/data/muster.db-wal "$WORK/judged/"
    local result
    result=$(judge "$WORK/judged/muster.db") || fail "$1: sqlite3 could not judge"
    judged_well "$result" || fail "$1: $(tr '\n' ' ' <<<"$result")"
    start
}

"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
export MUSTER_TOKEN
start
reporter_start load --nodes 8 --rows 50 --pause-ms 2
until_true 60 "acknowledgements" test -s "$WORK/load.ack"
for round in $(seq "$ROUNDS"); do
    rm -f "$DISK/evict"
    [ $((round % 8)) -lt 4 ] || touch "$DISK/evict"
    if [ $((round % 2)) -eq 0 ]; then
        log_fails
        power_cut "round $round: the log failed"
    else
        database_fails
        power_cut "round $round: the database failed"
    fi
done
reporter_stop
server_stop
acks_hold >"$WORK/judgement" || exit 1
cat "$WORK/load.counts"
echo "sync: ok rounds=$ROUNDS acked=$(wc -l <"$WORK/load.ack") lost=0 ended_and_started_again=$EXITS"
