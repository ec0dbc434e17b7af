# SPDX-License-Identifier: Apache-2.0
# A real fleet for tests: sourced, not run. Every function exits with a message on failure.
#   BIN   folder of the programs (argument or environment); SOURCE the repository root
#   WORK  a temporary folder, removed at exit together with every process started here
set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${BIN:-$SOURCE/build/bin}
DATASET=${MUSTER_DATASET:-/usr/share/datasets/fashion-mnist}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/muster-e2e.XXXXXX")
PIDS=()
SERVER_PID=
PORT=0

fail() {
    echo "FAIL: $*" >&2
    tail -n 15 "$WORK"/*.log >&2 2>/dev/null || true
    exit 1
}

cleanup() {
    local pid
    for pid in "${PIDS[@]}" $SERVER_PID; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    [ -n "${MUSTER_KEEP:-}" ] && echo "kept: $WORK" >&2 || rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND...: polls until the command succeeds.
until_true() {
    local seconds=$1 what=$2 deadline=$((SECONDS + $1))
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "no $what within $seconds s"
        sleep 0.1
    done
}

server_listens() {
    grep -q '^listening on ' "$WORK/server.out" 2>/dev/null
}

# server_start [OPTION...]: on $WORK/data; the port stays the same over restarts.
server_start() {
    : >"$WORK/server.out"
    "$BIN/musterd" --data "$WORK/data" --listen "127.0.0.1:$PORT" --metrics-listen 127.0.0.1:0 \
        "$@" >"$WORK/server.out" 2>>"$WORK/server.log" &
    SERVER_PID=$!
    until_true 30 "listening server" server_listens
    PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$WORK/server.out")
    export MUSTER_SERVER="http://127.0.0.1:$PORT"
}

server_kill() {
    kill -9 "$SERVER_PID"
    wait "$SERVER_PID" 2>/dev/null || true
    SERVER_PID=
}

server_stop() {
    kill -TERM "$SERVER_PID"
    wait "$SERVER_PID" || fail "musterd ended with status $?"
    SERVER_PID=
}

# fleet_init: data folder, keys, a running server, a repository and its trusted root.
fleet_init() {
    "$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
    MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
    export MUSTER_TOKEN
    server_start "$@"
    echo 'correct horse battery staple' >"$WORK/passphrase"
    "$BIN/muster" repo init "$WORK/repo" --passphrase-file "$WORK/passphrase" \
        --timestamp-key "$(sed -n 's/^timestamp-key: //p' "$WORK/init.out")" \
        >"$WORK/repo-init.log" 2>&1 || fail "muster repo init"
    ROOT=$WORK/repo/root.json
    [ -s "$ROOT" ] || fail "no $ROOT"
}

# fleet_publish VERSION [OPTION...]: imports and publishes examples/fashion's VERSION.
fleet_publish() {
    local version=$1
    shift
    [ -s "$WORK/$version.mnet" ] ||
        "$BIN/muster" model import "$SOURCE/examples/fashion/fashion-$version.onnx" \
            -o "$WORK/$version.mnet" >"$WORK/import.log" 2>&1 || fail "muster model import"
    "$BIN/muster" model publish "$WORK/$version.mnet" --repo "$WORK/repo" --model fashion \
        --version "$version" --passphrase-file "$WORK/passphrase" "$@" \
        >"$WORK/publish.log" 2>&1 || fail "muster model publish $version"
}

fleet_deploy() {
    "$BIN/muster" model deploy fashion --version "$1" >"$WORK/deploy.log" 2>&1 ||
        fail "muster model deploy $1"
}

# fleet_token USES: prints an enrolment string with the root's digest.
fleet_token() {
    "$BIN/muster" token create --name e2e --max-uses "$1" --root "$ROOT" --string \
        2>"$WORK/token.log" || fail "muster token create"
}

# agent_start NAME [OPTION...]: with a state folder and an ack log of its own.
agent_start() {
    local name=$1
    shift
    "$BIN/muster-agent" --server "$MUSTER_SERVER" --state "$WORK/$name" --root "$ROOT" --token "$TOKEN" \
        --name "$name" --ack-log "$WORK/$name.ack" --backoff-max-ms 300 --batch-age-ms 300 "$@" \
        >>"$WORK/$name.out" 2>>"$WORK/$name.log" &
    AGENT_PID=$!
    PIDS+=("$AGENT_PID")
}

# sql STATEMENT: on a live database, read only.
sql() {
    sqlite3 -readonly "$WORK/data/muster.db" "$1"
}

# acks_hold: every acknowledged batch is in the database whole and exactly once, and the rollups
# equal the rows. Prints the counts. Needs the server to be stopped.
acks_hold() {
    local result bad
    cat "$WORK"/*.ack >"$WORK/all.acks"
    result=$(sqlite3 "$WORK/data/muster.db" <<SQL
CREATE TEMP TABLE ack(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER);
.separator ' '
.import '$WORK/all.acks' ack
.separator '|'
SELECT 'acknowledged', count(*), coalesce(sum(rows), 0) FROM (SELECT DISTINCT node, stream, seq, rows FROM ack);
SELECT 'missing', count(*) FROM ack a WHERE NOT EXISTS (SELECT 1 FROM report r WHERE r.node_id = a.node
  AND r.stream = a.stream AND r.seq = a.seq AND r.rows = a.rows AND r.first_id = a.first_id);
SELECT 'torn', count(*) FROM report r WHERE r.rows <> (SELECT count(*) FROM prediction p
  WHERE p.id >= r.first_id AND p.id < r.first_id + r.rows AND p.node_id = r.node_id);
SELECT 'twice', count(*) FROM (SELECT 1 FROM report GROUP BY node_id, stream, seq HAVING count(*) > 1);
SELECT 'orphans', (SELECT count(*) FROM prediction) - (SELECT coalesce(sum(rows), 0) FROM report);
SELECT 'rollups', (SELECT count(*) FROM prediction) - (SELECT coalesce(sum(n), 0) FROM class_quarter);
SELECT 'stored', (SELECT count(*) FROM prediction);
PRAGMA integrity_check;
SQL
    ) || fail "sqlite3 could not judge the ack logs"
    echo "$result"
    for bad in missing torn twice orphans rollups; do
        grep -qx "$bad|0" <<<"$result" || fail "$bad: $(tr '\n' ' ' <<<"$result")"
    done
    tail -n 1 <<<"$result" | grep -qx ok || fail "integrity_check"
    grep -q '^acknowledged|0|' <<<"$result" && fail "nothing was acknowledged: the test saw nothing"
    return 0
}
