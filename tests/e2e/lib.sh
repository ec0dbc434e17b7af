# SPDX-License-Identifier: Apache-2.0
# A real fleet for tests: sourced, not run. Every function exits with a message on failure.
#   PROGRAMS  folder of the programs (BIN of the caller, else build/bin); SOURCE the repository root
#   BIN   the same programs as the tests start them, first in the PATH
#   WORK  a temporary folder, removed at exit together with every process started here
set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROGRAMS=$(cd "${BIN:-$SOURCE/build/bin}" && pwd)
TOOLS=$PROGRAMS/../tests
DATASET=${MUSTER_DATASET:-/usr/share/datasets/fashion-mnist}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/muster-e2e.XXXXXX")
PIDS=()
SERVER_PID=
SERVER_WRAP=() # what musterd is started through: env LD_PRELOAD=…, strace …
PORT=0

fail() {
    echo "FAIL: $*" >&2
    tail -n 15 "$WORK"/*.log >&2 2>/dev/null || true
    exit 1
}

cleanup_processes() {
    local pid
    for pid in "${PIDS[@]}" $SERVER_PID; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
}

cleanup_files() {
    [ -n "${MUSTER_KEEP:-}" ] && echo "kept: $WORK" >&2 || rm -rf "$WORK"
}

cleanup() {
    cleanup_processes
    cleanup_files
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# loads LIBRARY: whether it can be loaded before our programs; not before those with sanitizers.
loads() {
    [ -r "$1" ] && LD_PRELOAD=$1 "$PROGRAMS/muster" --version >"$WORK/loads" 2>&1
}

# wrap PROGRAM LIBRARY...: starts PROGRAM of $BIN with libraries below it.
wrap() {
    local program=$1
    shift
    printf '#!/bin/sh\nLD_PRELOAD="%s" exec "%s/%s" "$@"\n' "$*" "$PROGRAMS" "$program" >"$BIN/$program.new"
    chmod +x "$BIN/$program.new"
    mv "$BIN/$program.new" "$BIN/$program"
}

# The tests' keys guard nothing: their passphrases are hashed at the least cost.
wrap_programs() {
    BIN=$WORK/bin
    mkdir "$BIN"
    ln -s "$PROGRAMS"/* "$BIN"
    SHIM=$TOOLS/shim_pwhash.so
    loads "$SHIM" || SHIM=
    [ -z "$SHIM" ] || wrap muster "$SHIM"
    PATH=$BIN:$PATH
}
wrap_programs

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

# server_launch [OPTION...]: starts on $WORK/data and does not wait; the port stays the same over
# restarts.
server_launch() {
    : >"$WORK/server.out"
    "${SERVER_WRAP[@]}" "$BIN/musterd" --data "$WORK/data" --listen "127.0.0.1:$PORT" \
        --metrics-listen 127.0.0.1:0 "$@" >"$WORK/server.out" 2>>"$WORK/server.log" &
    SERVER_PID=$!
}

# server_start [OPTION...]: the same, and waits until it listens.
server_start() {
    server_launch "$@"
    until_true 30 "listening server" server_listens
    PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$WORK/server.out")
    export MUSTER_SERVER="http://127.0.0.1:$PORT"
}

server_is_ready() {
    [ "$(curl -s -o "$WORK/readyz" -w '%{http_code}' "$MUSTER_SERVER/readyz")" = 200 ]
}
server_is_unready() {
    ! server_is_ready
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

# fleet_publish_onnx VERSION [OPTION...]: the same as a file in a foreign format.
fleet_publish_onnx() {
    local version=$1
    shift
    seq -f 'class %g' 10 >"$WORK/classes.txt"
    "$BIN/muster" model publish "$SOURCE/examples/fashion/fashion-$version.onnx" --repo "$WORK/repo" \
        --model fashion --version "$version" --variant onnx --task classify --input-shape 1,1,28,28 \
        --classes "$WORK/classes.txt" --passphrase-file "$WORK/passphrase" "$@" \
        >"$WORK/publish.log" 2>&1 || fail "publish of $version"
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

# reporter_start NAME [OPTION...]: reporter with an ack file of its own; NAME.counts has its last
# line. Its enrolment token is made here unless RAW_TOKEN has one.
reporter_start() {
    local name=$1
    shift
    [ -n "${RAW_TOKEN:-}" ] || RAW_TOKEN=$("$BIN/muster" token create --name reporter --max-uses 10000 \
        --string 2>"$WORK/token.log") || fail "muster token create"
    "$TOOLS/reporter" --port "$PORT" --token "${RAW_TOKEN%%.*}" --acks "$WORK/$name.ack" "$@" \
        >"$WORK/$name.counts" 2>"$WORK/$name.log" &
    REPORTER_PID=$!
    PIDS+=("$REPORTER_PID")
}

# reporter_has_acks COUNT: whether the reporter "load" has more acknowledgements than that.
reporter_has_acks() {
    [ "$(cat "$WORK/load.ack" 2>/dev/null | wc -l)" -gt "$1" ]
}

# reporter_stop: lets it finish what is in flight. reporter_wait: until it ends by itself.
reporter_stop() {
    kill -TERM "$REPORTER_PID"
    reporter_wait
}
reporter_wait() {
    wait "$REPORTER_PID" || fail "the reporter ended with status $?"
    PIDS=()
}

# judge DATABASE: prints what it found, one NAME|NUMBER a line. Good is what judged_well says.
# The acknowledgements are all of $WORK/*.ack. The database must not be in use.
judge() {
    cat "$WORK"/*.ack >"$WORK/all.acks"
    sqlite3 "$1" ".separator ' '" \
        'CREATE TEMP TABLE ack(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER)' \
        ".import '$WORK/all.acks' ack" ".separator '|'" ".read '$SOURCE/tests/e2e/judge.sql'"
}

# judged_well TEXT: whether every line of a judgement that must be 0 is.
judged_well() {
    local bad
    for bad in missing torn twice orphans wrong streams totals summaries class_minute \
        class_quarter confidence_quarter latency_quarter node_hour entropy_quarter margin_quarter; do
        grep -qx "$bad|0" <<<"$1" || return 1
    done
    tail -n 1 <<<"$1" | grep -qx ok
}

# acks_hold: every acknowledged batch is in the database whole and exactly once, and the rollups
# equal the rows and the summaries. Prints the counts. Needs the server to be stopped.
acks_hold() {
    local result
    result=$(judge "$WORK/data/muster.db") || fail "sqlite3 could not judge the ack logs"
    echo "$result"
    judged_well "$result" || fail "$(tr '\n' ' ' <<<"$result")"
    grep -q '^acknowledged|0|' <<<"$result" && fail "nothing was acknowledged: the test saw nothing"
    return 0
}
