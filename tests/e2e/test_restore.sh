#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The drill: a fleet reports, a backup is taken, more is reported, published and enrolled, the
# server dies with its disk, and the backup is restored under the same address. The fleet goes on
# without being touched: nothing that was acknowledged before the backup is gone, ids only grow,
# rollups equal rows, and after `muster repo push --all` nodes take models again.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
AGENTS=3

agent() {
    agent_start "node-$1" --source "$DATASET/t10k-images-idx3-ubyte.gz" --stride "$(($1 - 1))/4" \
        --rate 100 --poll-s 5
}
acks() {
    { cat "$WORK/node-$1.ack" 2>/dev/null || true; } | wc -l
}
have_more() { # NODES: each of them has more acknowledgements than MARK[node]
    local i
    for i in $(seq "$1"); do
        [ "$(acks "$i")" -gt $((MARK[i] + 3)) ] || return 1
    done
}
mark() {
    local i
    MARK=(0)
    for i in $(seq "$1"); do
        MARK+=("$(acks "$i")")
    done
}
all_run() { # VERSION NODES: the newest report of so many nodes was made with it
    [ "$(sql "SELECT count(*) FROM v_node_health WHERE version = '$1'" 2>/dev/null)" = "$2" ]
}

trusted() { # the version of the timestamp that a node trusts
    tr -d ' ' <"$WORK/node-$1/tuf/timestamp.json" | sed 's/.*"version":\([0-9]*\)[,}].*/\1/'
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token 10)
for i in $(seq $AGENTS); do
    agent "$i"
done
mark $AGENTS
until_true 60 "acknowledgements from every agent" have_more $AGENTS
until_true 60 "reports of 1.0.0 by every agent" all_run 1.0.0 $AGENTS

# The backup, under load. What is acknowledged by now must be in it.
"$BIN/musterd" backup-key "$WORK/backup.key" >"$WORK/recipient" || fail "musterd backup-key"
[ "$(stat -c %a "$WORK/backup.key")" = 600 ] || fail "the backup's key can be read by others"
cat "$WORK"/*.ack >"$WORK/before.acks"
"$BIN/musterd" backup --data "$WORK/data" --to "$WORK/backup" \
    --recipient "$(sed 's/^recipient: //' "$WORK/recipient")" >"$WORK/backup.log" 2>&1 ||
    fail "musterd backup"
"$BIN/musterd" verify-backup "$WORK/backup" --key "$WORK/backup.key" >>"$WORK/backup.log" 2>&1 ||
    fail "musterd verify-backup"
grep -rqF "$(cat "$WORK/data/keys/session.key")" "$WORK/backup" && fail "a key lies open in the backup"

# After it: reports, a model, a node.
mark $AGENTS
until_true 60 "acknowledgements after the backup" have_more $AGENTS
fleet_publish 1.1.0 --server "$MUSTER_SERVER"
fleet_deploy 1.1.0
agent $((AGENTS + 1))
until_true 90 "reports of 1.1.0 by every agent" all_run 1.1.0 $((AGENTS + 1))
signed=$(trusted 1)

# The server is lost, with all it had. Nodes queue.
server_kill
rm -rf "$WORK/data"
cat "$WORK"/*.ack >"$WORK/lost.acks"
sleep 1

"$BIN/musterd" restore --from "$WORK/backup" --data "$WORK/data" >"$WORK/refused.log" 2>&1 &&
    fail "a restore without the key went through"
grep -q 'sealed to' "$WORK/refused.log" || fail "the refusal does not say what is missing"
"$BIN/musterd" restore --from "$WORK/backup" --data "$WORK/data" --key "$WORK/backup.key" \
    >"$WORK/restore.log" 2>&1 || fail "musterd restore"
[ "$(stat -c %a "$WORK/data" "$WORK/data/keys/session.key" | tr '\n' ' ')" = "700 600 " ] ||
    fail "modes of the restored directory"
"$BIN/musterd" restore --from "$WORK/backup" --data "$WORK/data" --key "$WORK/backup.key" \
    >"$WORK/again.log" 2>&1 && fail "a restore over a server went through"
mark $((AGENTS + 1))
server_start

# Nobody touches a node: all go on, the one that the backup does not know enrols again.
until_true 90 "acknowledgements after the restore by every agent" have_more $((AGENTS + 1))
[ "$(sql "SELECT count(*) FROM node")" = $((AGENTS + 1)) ] || fail "the fourth node is not enrolled"
[ "$(sql "SELECT max(id) FROM node")" -gt 100000 ] || fail "the id of a lost node may be given again"
[ "$(sql "SELECT count(*) FROM node WHERE epoch = 1")" = $AGENTS ] || fail "sessions of before are good"

# The publisher has the only copy of 1.1.0 that is left, and pushes it. Nodes trust what the lost
# server had signed; they must take what this one signs.
"$BIN/muster" repo push --all --repo "$WORK/repo" --server "$MUSTER_SERVER" >"$WORK/push.log" 2>&1 ||
    fail "muster repo push --all"
fleet_deploy 1.1.0
until_true 90 "reports of 1.1.0 after the restore" all_run 1.1.0 $((AGENTS + 1))
new_timestamps() {
    local i
    for i in $(seq $((AGENTS + 1))); do
        [ "$(trusted "$i")" -gt "$signed" ] || return 1
    done
}
fleet_publish 1.0.0 --server "$MUSTER_SERVER" --variant again --version 1.2.0
until_true 60 "nodes that trust the restored server's timestamps" new_timestamps

for pid in "${PIDS[@]}"; do
    kill -TERM "$pid"
    wait "$pid" || fail "an agent ended with status $?"
done
PIDS=()
server_stop

# The lost query of the cookbook, as it stands there.
awk '/^What the last restore/ { found = 1 } found && /^```$/ { exit } sql; found && /^```sql$/ { sql = 1 }' \
    "$SOURCE/docs/queries.md" >"$WORK/lost.sql"
sqlite3 -separator ' ' "$WORK/data/muster.db" <"$WORK/lost.sql" >"$WORK/lost" || fail "the query of what was lost"

result=$(sqlite3 "$WORK/data/muster.db" <<SQL
CREATE TEMP TABLE before(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER);
CREATE TEMP TABLE gone(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER);
CREATE TEMP TABLE told(node INTEGER, name TEXT, stream INTEGER, first_lost INTEGER, last_lost INTEGER);
.separator ' '
.import '$WORK/before.acks' before
.import '$WORK/lost.acks' gone
.import '$WORK/lost' told
.separator '|'
DELETE FROM gone WHERE EXISTS (SELECT 1 FROM report r WHERE r.node_id = gone.node AND r.stream = gone.stream
  AND r.seq = gone.seq AND r.first_id = gone.first_id);
SELECT 'before', count(*) FROM before;
SELECT 'missing', count(*) FROM before a WHERE NOT EXISTS (SELECT 1 FROM report r WHERE r.node_id = a.node
  AND r.stream = a.stream AND r.seq = a.seq AND r.rows = a.rows AND r.first_id = a.first_id);
SELECT 'lost', count(*) FROM gone;
SELECT 'untold', count(*) FROM gone g WHERE NOT EXISTS (SELECT 1 FROM told t
  WHERE t.stream = g.stream AND g.seq BETWEEN t.first_lost AND t.last_lost);
SELECT 'overtold', (SELECT sum(last_lost - first_lost + 1) FROM told) - (SELECT count(*) FROM gone);
SELECT 'older', count(*) FROM report WHERE first_id > (SELECT json_extract(detail, '$.newest_id') FROM audit_log
  WHERE action = 'server.restore') AND first_id <= (SELECT max(first_id) FROM gone);
SELECT 'torn', count(*) FROM report r WHERE r.rows <> (SELECT count(*) FROM prediction p
  WHERE p.id >= r.first_id AND p.id < r.first_id + r.rows AND p.node_id = r.node_id);
SELECT 'twice', count(*) FROM (SELECT 1 FROM report GROUP BY node_id, stream, seq HAVING count(*) > 1);
SELECT 'orphans', (SELECT count(*) FROM prediction) - (SELECT coalesce(sum(rows), 0) FROM report);
SELECT 'rollups', (SELECT count(*) FROM prediction) + (SELECT coalesce(sum(n - rows), 0) FROM summary)
  - (SELECT coalesce(sum(n), 0) FROM class_quarter);
SELECT 'stored', (SELECT count(*) FROM prediction);
PRAGMA integrity_check;
SQL
) || fail "sqlite3 could not judge the restored database"
echo "$result"
for bad in missing untold overtold older torn twice orphans rollups; do
    grep -qx "$bad|0" <<<"$result" || fail "$bad: $(tr '\n' ' ' <<<"$result")"
done
grep -qx 'before|0' <<<"$result" && fail "nothing was acknowledged before the backup"
grep -qx 'lost|0' <<<"$result" && fail "nothing was lost: the test saw nothing"
tail -n 1 <<<"$result" | grep -qx ok || fail "integrity_check"
echo "restore: ok nodes=$((AGENTS + 1))"
