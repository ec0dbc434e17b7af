#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two real agents are told one detail after the other while they infer: full, sampled, changes,
# summary, full; with MUSTER_AUTO=1 also auto, in a budget and beyond one. One agent is killed with
# -9 in the middle of each, and the server once.
# Afterwards every prediction that an agent recorded is counted once in every rollup, whether it
# came as a row or in a summary; a killed agent lost only what was not on its disk yet.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
PATIENCE_S=30
[ -z "${MUSTER_AUTO:-}" ] || PATIENCE_S=300

# Predictions that ever were in the queue on disk: it numbers them without a hole (edge/queue.h:
# 8 predictions, 2 first prediction).
head_field() {
    od -An -v -t u8 -j $((40 + 8 * $1)) -N 8 "$2" | tr -d ' \n'
}
durable_predictions() {
    local file end most=0
    for file in "$WORK/$1"/queue/last "$WORK/$1"/queue/[0-9]*; do
        [ -f "$file" ] || continue
        end=$(($(head_field 8 "$file") + $(head_field 2 "$file")))
        [ "$end" -le "$most" ] || most=$end
    done
    echo "$most"
}

ask_for() {
    curl -sS --fail-with-body -o "$WORK/detail.json" -X PUT -H "Authorization: Bearer $MUSTER_TOKEN" \
        -H 'Content-Type: application/json' -d "$1" "$MUSTER_SERVER/v1/models/fashion/detail" ||
        fail "PUT detail $1: $(cat "$WORK/detail.json")"
}
# told AGENT DETAIL: the agent's newest line of state names this detail.
told() {
    grep 'event=state' "$WORK/$1.log" | tail -n 1 | grep -qE "detail=\"?$2\"?( |\$)"
}
start() {
    agent_start "$1" --source "$DATASET/t10k-images-idx3-ubyte.gz" --rate 150 --poll-s 1 "${@:2}"
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token 2)
start whole
whole=$AGENT_PID
start killed
killed=$AGENT_PID
STEPS=('full:{"mode":"full"}' 'sampled 1/5:{"mode":"sampled","every":5,"interval_s":10}'
    'changes:{"mode":"changes","interval_s":10}' 'summary:{"mode":"summary","interval_s":10}')
# auto knows a rate only after two whole minutes: too long for every day (script/soak detail).
[ -z "${MUSTER_AUTO:-}" ] || STEPS+=('full:{"mode":"auto","rows_per_day":1000000000}'
    'summary:{"mode":"auto","rows_per_day":1,"interval_s":10}')
STEPS+=('full:{"mode":"full"}')
for step in "${STEPS[@]}"; do
    detail=${step%%:*}
    ask_for "${step#*:}"
    until_true "$PATIENCE_S" "agent 'whole' with detail $detail" told whole "$detail"
    until_true "$PATIENCE_S" "agent 'killed' with detail $detail" told killed "$detail"
    sleep 2
    kill -9 "$killed"
    wait "$killed" 2>/dev/null || true
    if [ "$detail" = changes ]; then
        server_kill
        sleep 1
        server_start
    fi
    : >"$WORK/killed.log"
    start killed
    killed=$AGENT_PID
done
sleep 2

# Stopped agents keep what is unsent; what is left goes out with the next start.
for name in whole killed; do
    pid=$whole
    [ "$name" = whole ] || pid=$killed
    kill -TERM "$pid"
    wait "$pid" || fail "agent $name ended with status $?"
done
inferred=$(sed -n 's/.* inferred=\([0-9]*\) .*/\1/p' "$WORK/whole.out")
for name in whole killed; do
    start "$name" --indices 0:1 --passes 1
    wait "$AGENT_PID" || fail "the last agent $name ended with status $?"
    [ -z "$(find "$WORK/$name/queue" -name '[0-9]*')" ] || fail "the queue of $name is not empty"
    [ ! -e "$WORK/$name/rejected" ] || [ -z "$(ls "$WORK/$name/rejected")" ] || fail "$name: a batch was rejected"
done
server_stop

counted() {
    sqlite3 "$WORK/data/muster.db" "SELECT coalesce(sum(h.n), 0) FROM node_hour h JOIN node ON node.id = h.node_id WHERE node.name = '$1'"
}
acks_hold >"$WORK/judgement" || exit 1
grep -qx 'summarised|0' "$WORK/judgement" && fail "no summary was judged"
durable=$(durable_predictions killed)
[ "$(counted whole)" -eq $((inferred + 1)) ] || fail "agent 'whole' recorded $inferred + 1, $(counted whole) are counted"
[ "$(durable_predictions whole)" -eq $((inferred + 1)) ] || fail "agent 'whole' queued $(durable_predictions whole) of $inferred + 1"
[ "$(counted killed)" -eq "$durable" ] || fail "agent 'killed' had $durable on disk, $(counted killed) are counted"
result=$(sqlite3 "$WORK/data/muster.db" <<SQL
SELECT 'minutes', (SELECT sum(n) FROM node_hour) - (SELECT sum(n) FROM class_minute);
SELECT 'quarters', (SELECT sum(n) FROM node_hour) - (SELECT sum(n) FROM class_quarter);
SELECT 'confidence', (SELECT sum(n) FROM node_hour) - (SELECT sum(n) FROM confidence_quarter);
SELECT 'latency', (SELECT sum(n) FROM node_hour) - (SELECT sum(n) FROM v_latency_quarter);
SELECT 'rows and summaries', (SELECT sum(n) FROM node_hour) - (SELECT sum(n) FROM summary)
  - (SELECT sum(rows) FROM report WHERE first_id NOT IN (SELECT first_id FROM summary));
SELECT 'two minutes in one', count(*) FROM summary
  WHERE ((first_id >> 12) - lag_ms) / 60000 <> ((first_id >> 12) - lag_ms + length_ms - 1) / 60000;
SELECT 'modes', group_concat(DISTINCT mode) FROM (SELECT mode FROM summary ORDER BY mode);
SELECT 'sampled, a fifth', sum(rows) BETWEEN 0.1 * sum(n) AND 0.3 * sum(n) FROM summary WHERE mode = 'sampled';
SELECT 'changes are rows', sum(rows <> changes) FROM summary WHERE mode = 'changes';
SELECT 'summary, no rows', sum(rows) FROM summary WHERE mode = 'summary';
SELECT 'entropy', (SELECT sum(n) FROM summary) - (SELECT sum(n) FROM entropy_quarter);
SELECT 'twice', count(*) FROM (SELECT 1 FROM report GROUP BY node_id, stream, seq HAVING count(*) > 1);
SELECT 'dropped', sum(dropped) FROM report;
PRAGMA integrity_check;
SQL
)
expected="minutes|0
quarters|0
confidence|0
latency|0
rows and summaries|0
two minutes in one|0
modes|changes,sampled,summary
sampled, a fifth|1
changes are rows|0
summary, no rows|0
entropy|0
twice|0
dropped|0
ok"
[ "$result" = "$expected" ] || fail "$(printf 'expected\n%s\nfound\n%s' "$expected" "$result")"
echo "detail: ok whole=$inferred killed=$durable summaries=$(sqlite3 "$WORK/data/muster.db" 'SELECT count(*) FROM summary')"
