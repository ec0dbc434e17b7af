#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills musterd with -9 (MUSTER_KILLS times, 20) while agents report. Every batch in any agent's
# ack log must be in the database whole and exactly once; agents infer while it is down, catch up.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
KILLS=${MUSTER_KILLS:-20}
AGENTS=4

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token $AGENTS)
for i in $(seq $AGENTS); do
    agent_start "node-$i" --source "$DATASET/t10k-images-idx3-ubyte.gz" --stride "$((i - 1))/$AGENTS" \
        --rate 100 --poll-s 5
done

has_acks() {
    local i
    for i in $(seq $AGENTS); do
        [ "$(cat "$WORK/node-$i.ack" 2>/dev/null | wc -l)" -gt "$1" ] || return 1
    done
}
until_true 60 "first acknowledgement from every agent" has_acks 0

: >"$WORK/down"
for kill in $(seq "$KILLS"); do
    sleep "0.$((RANDOM % 5 + 2))"
    from=$(date +%s%3N)
    server_kill
    [ $((kill % 5)) -ne 0 ] || sleep 0.6
    server_start
    echo "$from $(date +%s%3N)" >>"$WORK/down"
done

# Once more for as long as it takes every agent to close two batches while nobody listens: what is
# in the second was inferred meanwhile, however slow a sanitizer makes it.
batches() {
    find "$WORK/node-$1/queue" -type f | wc -l
}
all_queue() {
    local i
    for i in $(seq $AGENTS); do
        [ "$(batches "$i")" -ge $((QUEUED[i] + 2)) ] || return 1
    done
}
from=$(date +%s%3N)
server_kill
QUEUED=(0)
for i in $(seq $AGENTS); do
    QUEUED+=("$(batches "$i")")
done
until_true 60 "inference by every agent while the server is down" all_queue
server_start
echo "$from $(date +%s%3N)" >>"$WORK/down"

acked=$(cat "$WORK"/*.ack | wc -l)
until_true 60 "acknowledgement from every agent after the last kill" has_acks $((acked / AGENTS + 1))
drained() {
    [ "$(sql "SELECT count(*) FROM v_node_health WHERE queued > 200")" = 0 ]
}
until_true 60 "catching up" drained
for pid in "${PIDS[@]}"; do
    kill -TERM "$pid"
    wait "$pid" || fail "an agent ended with status $?"
done
PIDS=()
server_stop
acks_hold

offline=$(sqlite3 "$WORK/data/muster.db" <<SQL
CREATE TEMP TABLE down(from_ms INTEGER, to_ms INTEGER);
.separator ' '
.import '$WORK/down' down
SELECT count(DISTINCT node_id) || ' ' || count(*) FROM v_predictions, down WHERE at_ms > from_ms AND at_ms < to_ms;
SQL
)
[ "${offline%% *}" = $AGENTS ] || fail "only ${offline%% *} of $AGENTS nodes went on inferring while the server was down"
echo "kill: ok kills=$KILLS nodes=$AGENTS inferred_while_down=${offline##* }"
