#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A sync fails while retention deletes between the groups, and Linux drops what it could not write;
# then the power is cut. Had a step of retention not been synced itself, its frames would be a hole
# in the log below what was acknowledged later.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
ROUNDS=${MUSTER_ROUNDS:-2}
DISK=$WORK/disk
mkdir "$DISK"
SERVER_WRAP=(env LD_PRELOAD="$TOOLS/shim_disk.so" DISK_FOLDER="$DISK")

start() {
    server_start --log-requests=0 --wal-limit-bytes 268435456 "$@"
}

# acknowledged, newer than what retention may have deleted, and not there
judge_disk() {
    rm -rf "$WORK/judged"
    mkdir "$WORK/judged"
    mv "$DISK/muster.db" "$DISK/muster.db-wal" "$WORK/data/"
    rm -f "$WORK/data/muster.db-shm"
    cp "$WORK/data/muster.db" "$WORK/data/muster.db-wal" "$WORK/judged/"
    sqlite3 "$WORK/judged/muster.db" <<SQL
CREATE TEMP TABLE ack(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER);
.separator ' '
.import '$WORK/load.ack' ack
.separator '|'
SELECT 'deleted', count(*) > 0 FROM retention WHERE kind = 'rows' AND complete_from_ms > 0;
SELECT 'missing', count(*) FROM ack WHERE first_id >= (SELECT complete_from_ms << 12 FROM retention WHERE kind = 'rows')
  AND NOT EXISTS (SELECT 1 FROM report r WHERE r.node_id = node AND r.stream = ack.stream AND r.seq = ack.seq);
PRAGMA integrity_check;
SQL
}

"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
export MUSTER_TOKEN
start
reporter_start load --nodes 8 --rows 400 --pause-ms 2
until_true 60 "acknowledgements" test -s "$WORK/load.ack"
for round in $(seq "$ROUNDS"); do
    acked=$(wc -l <"$WORK/load.ack")
    until_true 60 "more acknowledgements" reporter_has_acks $((acked + 2500))
    server_stop
    start --row-bytes 1 # deletes as fast as it may
    sleep 0.25
    touch "$DISK/fail-muster.db-wal"
    until_true 20 "a server that is not ready" server_is_unready
    rm "$DISK/fail-muster.db-wal"
    until_true 30 "a server that is ready again" server_is_ready
    acked=$(wc -l <"$WORK/load.ack")
    until_true 60 "more acknowledgements" reporter_has_acks $((acked + 100))
    server_kill
    result=$(judge_disk)
    grep -qx 'deleted|1' <<<"$result" || fail "round $round: retention deleted nothing: the test saw nothing"
    grep -qx 'missing|0' <<<"$result" || fail "round $round: $(tr '\n' ' ' <<<"$result")"
    grep -qx ok <<<"$result" || fail "round $round: integrity_check: $result"
    start
done
reporter_stop
echo "sync_retention: ok rounds=$ROUNDS acked=$(wc -l <"$WORK/load.ack") lost=0"
