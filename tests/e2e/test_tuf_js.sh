#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A client that others wrote (npm's tuf-js) refreshes and downloads from a live server, follows its
# delegations and root rotations, and refuses what was changed on the way (tests/tools/evil_proxy.c).
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
MODULES=$SOURCE/tests/node_modules
[ -d "$MODULES/tuf-js" ] || { echo "tuf-js is not installed (script/setup): not tried"; exit 77; }
PROXY_PROGRAM=${2:-$TOOLS/evil_proxy}

proxy_listens() {
    grep -q '^listening on ' "$WORK/proxy.out" 2>/dev/null
}

# client STATUS WHAT: a path or refresh, by $FROM.
client() {
    local got=0
    rm -f "$WORK/got/"*
    NO_PROXY=127.0.0.1 node "$SOURCE/tests/e2e/tuf_js.mjs" "$MODULES" "$FROM" "$WORK/client" "$WORK/got" "$2" \
        >"$WORK/client.log" 2>&1 || got=$?
    [ "$got" = "$1" ] || fail "status $got of $2: $(cat "$WORK/client.log")"
}

# came FILE: the target is there, byte for byte.
came() {
    cmp -s "$WORK/got/got" "$1" || fail "the target differs from $1"
}

# refuses ERROR-PATTERN WHAT RULE...: under that rule of the proxy, and well without it.
refuses() {
    local pattern=$1 what=$2
    shift 2
    printf '%s\n' "$@" >"$WORK/rules"
    client 1 "$what"
    grep -Eq "$pattern" "$WORK/client.log" || fail "no $pattern: $(cat "$WORK/client.log")"
    [ ! -e "$WORK/got/got" ] || fail "something came in spite of: $*"
    rm "$WORK/rules"
    client 0 "$what"
}

repo() {
    MUSTER_REPO=$WORK/repo MUSTER_PASSPHRASE='correct horse battery staple' "$BIN/muster" "$@" >"$WORK/repo.log" 2>&1 ||
        fail "muster $*: $(cat "$WORK/repo.log")"
}

fleet_init
"$PROXY_PROGRAM" "$PORT" "$WORK/rules" >"$WORK/proxy.out" 2>"$WORK/proxy.log" &
PIDS+=($!)
until_true 10 "listening proxy" proxy_listens
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
curl -fsS -o /dev/null -X PUT -H "Authorization: Bearer $MUSTER_TOKEN" -H 'Content-Type: application/json' \
    -d '{"public":true}' "$MUSTER_SERVER/v1/models/fashion/access" || fail "access"
mkdir "$WORK/client" "$WORK/got"
cp "$ROOT" "$WORK/client/root.json"

# what is published, and then what is published next
FROM=$MUSTER_SERVER
client 0 refresh
client 0 fashion/1/fp32.mnet
came "$WORK/1.0.0.mnet"
client 1 fashion/9/fp32.mnet
grep -q 'nobody lists' "$WORK/client.log" || fail "$(cat "$WORK/client.log")"

# a new root, the model in a team's hands, a version of theirs
repo key rotate targets
repo repo push
repo key new "$WORK/team.key"
repo key export "$WORK/team.key" --public "$WORK/team.pub"
repo repo delegate fashion --key "$WORK/team.pub" --sign-key "$WORK/team.key"
repo repo push
fleet_publish 1.1.0 --server "$MUSTER_SERVER" --key "$WORK/team.key"
client 0 fashion/2/fp32.mnet
came "$WORK/1.1.0.mnet"
client 0 fashion/1/fp32.mnet
came "$WORK/1.0.0.mnet"

# what was changed on the way is refused; afterwards the client goes on
FROM=$(sed -n 's/^listening on /http:\/\//p' "$WORK/proxy.out")
client 0 fashion/2/fp32.mnet
refuses . refresh "flip /timestamp.json 120"
refuses 'Mismatch' fashion/2/fp32.mnet "flip /tuf/targets/ 5000"
came "$WORK/1.1.0.mnet"
cp "$WORK/client/timestamp.json" "$WORK/old.json"
"$BIN/muster" model import "$SOURCE/examples/fashion/fashion-1.1.0.onnx" --name next -o "$WORK/1.2.0.mnet" \
    >"$WORK/import.log" 2>&1 || fail "muster model import"
fleet_publish 1.2.0 --server "$MUSTER_SERVER" --key "$WORK/team.key"
refuses . refresh "flip .snapshot.json 200"
refuses . refresh "file /timestamp.json $WORK/old.json"
server_stop
echo "ok: tuf-js refreshes, downloads, and refuses what was changed"
