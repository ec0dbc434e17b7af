#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills a muster-agent with -9 (MUSTER_KILLS times, 20) while it reports. Afterwards every batch
# that was ever in its queue on disk is in the database once, in order and without a hole; what
# it lost is only what it held in memory.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
KILLS=${MUSTER_KILLS:-20}

# A number of a batch's head (edge/queue.h): 1 rows, 2 first prediction.
head_field() {
    od -An -v -t u8 -j $((40 + 8 * $1)) -N 8 "$2" | tr -d ' \n'
}

# Rows that are, or ever were, in the queue on disk: it numbers them without a hole.
durable_rows() {
    local file end rows=0
    for file in "$WORK"/node/queue/last "$WORK"/node/queue/[0-9]*; do
        [ -f "$file" ] || continue
        end=$(($(head_field 1 "$file") + $(head_field 2 "$file")))
        [ "$end" -le "$rows" ] || rows=$end
    done
    echo "$rows"
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)

start() {
    agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:5000 --rate 400 \
        --batch-age-ms 30 --poll-s 5
}
acked_lines() {
    wc -l 2>/dev/null <"$WORK/node.ack" || echo 0
}
has_more_acks() {
    [ "$(acked_lines)" -gt "$1" ]
}

before=0
for kill in $(seq "$KILLS"); do
    acked=$(acked_lines)
    start
    until_true 60 "acknowledgement after kill $((kill - 1))" has_more_acks "$acked"
    # Every fourth time the server is away, so that the queue is long when the agent dies.
    [ $((kill % 4)) -ne 0 ] || server_stop
    sleep "0.$((RANDOM % 400 + 100))"
    kill -9 "$AGENT_PID"
    wait "$AGENT_PID" 2>/dev/null || true
    now=$(durable_rows)
    [ "$now" -ge "$before" ] || fail "$before rows were in the queue, $now after kill $kill"
    before=$now
    [ -n "$SERVER_PID" ] || server_start
done

acked=$(acked_lines)
start
until_true 60 "acknowledgement after the last kill" has_more_acks "$acked"
kill -TERM "$AGENT_PID"
wait "$AGENT_PID" || fail "the agent ended with status $?"
drained() {
    [ -z "$(find "$WORK/node/queue" -name '[0-9]*')" ]
}
# Stopped agents keep what is unsent; the next one sends it before it classifies much.
agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:1 --passes 1 --poll-s 5
ended() {
    ! kill -0 "$AGENT_PID" 2>/dev/null
}
until_true 60 "empty queue" ended
wait "$AGENT_PID" || fail "the last agent ended with status $?"
PIDS=()
drained || fail "the queue is not empty"
[ ! -e "$WORK/node/rejected" ] || [ -z "$(ls "$WORK/node/rejected")" ] || fail "a batch was rejected"
server_stop
acks_hold

durable=$(durable_rows)
result=$(sqlite3 "$WORK/data/muster.db" <<SQL
SELECT 'stored', count(*) FROM prediction;
SELECT 'dropped', sum(dropped) FROM report;
SELECT 'streams', count(DISTINCT stream) FROM report;
SELECT 'holes', count(*) FROM (SELECT sample, lag(sample, 1, -1) OVER (ORDER BY id) AS before FROM prediction)
  WHERE sample NOT IN (0, before + 1);
SELECT 'starts', count(*) > 1 FROM prediction WHERE sample = 0;
SELECT 'gaps in seq', count(*) FROM (SELECT seq, lag(seq, 1, 0) OVER (ORDER BY seq) AS before FROM report)
  WHERE seq <> before + 1;
SQL
)
expected="stored|$durable
dropped|0
streams|1
holes|0
starts|1
gaps in seq|0"
[ "$result" = "$expected" ] || fail "$(printf 'expected\n%s\nfound\n%s' "$expected" "$result")"
echo "kill agent: ok kills=$KILLS rows=$durable duplicates=$(awk '$6 == 1' "$WORK/node.ack" | wc -l)"
