#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The drills of docs/SECURITY.md, word for word, against a live fleet: keys are lost, stolen,
# replaced, lists expire, the server is gone. After each the node runs what it should, what the
# thief still holds is refused, and the node reported all the while.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
FAKETIME_LIBRARY=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
RATE=20
STEP=0

# drill TITLE [NTH]: runs the block (or the NTH one) below "## Drill: TITLE".
drill() {
    echo "## Drill: $1" >>"$WORK/titles"
    awk -v title="## Drill: $1" -v nth="${2:-1}" '
        /^## / { here = $0 == title }
        here && /^```sh$/ { on = ++blocks == nth; next }
        /^```$/ { on = 0 }
        on' "$SOURCE/docs/SECURITY.md" >"$WORK/block.sh"
    [ -s "$WORK/block.sh" ] || fail "docs/SECURITY.md has no block ${2:-1} of '$1'"
    (cd "$WORK/here" && bash -e "$WORK/block.sh") >"$WORK/drill.log" 2>&1 ||
        fail "'$1' failed: $(cat "$WORK/drill.log")"
    cat "$WORK/drill.log" >>"$WORK/drills.log"
}

# refused CODE COMMAND...: the command fails and names the code.
refused() {
    ! "${@:2}" >"$WORK/refused.out" 2>&1 || fail "not refused: ${*:2}"
    grep -q "$1" "$WORK/refused.out" || fail "no $1 of ${*:2}: $(cat "$WORK/refused.out")"
}

running() {
    [ "$(sql "SELECT lower(hex(c.artifact)) FROM report r JOIN cohort c ON c.id = r.cohort_id
      WHERE r.rows > 0 ORDER BY r.first_id DESC LIMIT 1")" = "$1" ]
}

# mark: remembers how far the node is. said PATTERN: its log has that since then.
mark() {
    LINES_SEEN=$(cat "$WORK/node.out" "$WORK/node.log" | wc -l)
    ACKS=$(wc -l <"$WORK/node.ack")
}
said() {
    cat "$WORK/node.out" "$WORK/node.log" | tail -n "+$((LINES_SEEN + 1))" | grep -q "$1"
}
reports_more() {
    [ "$(wc -l <"$WORK/node.ack")" -gt $((ACKS + 1)) ]
}

# import VERSION: VERSION.mnet with bytes of its own; DIGEST is what a node then runs.
import() {
    muster model import "$SOURCE/examples/fashion/fashion-1.1.0.onnx" --name "step-$1" \
        -o "$WORK/here/$1.mnet" >"$WORK/import.log" 2>&1 || fail "muster model import"
    DIGEST=$(sha256sum <"$WORK/here/$1.mnet" | cut -c1-64)
}

# goes_on AFTER: the node reported since mark, and takes the next version that is published.
goes_on() {
    until_true 30 "reports during '$1'" reports_more
    STEP=$((STEP + 1))
    import "2.0.$STEP"
    muster model publish "$WORK/here/2.0.$STEP.mnet" --model fashion --version "2.0.$STEP" \
        >"$WORK/publish.log" 2>&1 || fail "publish after '$1'"
    fleet_deploy "2.0.$STEP"
    until_true 60 "next version after '$1'" running "$DIGEST"
    kill -0 "$NODE_PID" || fail "the agent died"
    echo "drills: $1: done, the node goes on"
}

keyid_of() {
    muster key export "$1" --json | sed -n 's/.*"keyid": *"\([0-9a-f]*\)".*/\1/p'
}

node_start() {
    agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --rate $RATE --poll-s 1
    NODE_PID=$AGENT_PID
}

fleet_init
mkdir "$WORK/here" "$WORK/safe"
mv "$WORK/repo/keys/root-safe.key" "$WORK/safe/"
export MUSTER_REPO=$WORK/repo SAFE=$WORK/safe DATA=$WORK/data
MUSTER_PASSPHRASE=$(cat "$WORK/passphrase")
export MUSTER_PASSPHRASE
fleet_publish 1.0.0
fleet_deploy 1.0.0
TOKEN=$(fleet_token 5)
cp "$ROOT" "$WORK/node-root.json"
ROOT=$WORK/node-root.json
node_start
until_true 60 "reports under 1.0.0" running "$(sha256sum <"$WORK/1.0.0.mnet" | cut -c1-64)"

mark
LOST=$(keyid_of root)
export LOST
cp -r "$WORK/repo" "$WORK/found" # whoever found the key
rm "$WORK/repo/keys/root.key"
drill "a root key was lost"
muster key rotate snapshot --repo "$WORK/found" >"$WORK/found.log" 2>&1 || fail "the finder's rotation"
refused tuf.signature muster repo push --repo "$WORK/found"
goes_on "a root key was lost"

# The thief has a copy of the folder, a publisher's token and an operator's: the node runs his model.
cp -r "$WORK/repo" "$WORK/thief"
muster token create-api --name thief --role publisher >"$WORK/thief.token" 2>&1 || fail "token create-api"
STOLEN_TOKEN=$(sed -n 's/.*"id": *\([0-9]*\).*/\1/p' "$WORK/thief.token")
export STOLEN_TOKEN
import 6.6.6
cp "$WORK/here/6.6.6.mnet" "$WORK/evil.mnet"
muster model publish "$WORK/evil.mnet" --model fashion --version 6.6.6 --seq 900 --repo "$WORK/thief" \
    --token "$(sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' "$WORK/thief.token")" >"$WORK/thief.log" 2>&1 || fail "the thief could not publish"
for _ in 1 2 3 4 5; do # and his numbers run ahead
    muster repo renew --repo "$WORK/thief" >>"$WORK/thief.log" 2>&1 || fail "the thief could not renew"
done
muster repo push --repo "$WORK/thief" >>"$WORK/thief.log" 2>&1 || fail "the thief could not push"
fleet_deploy 6.6.6
until_true 60 "the thief's model" running "$DIGEST"
mark
import clean
FLOOR=901
export FLOOR
drill "the targets key was stolen"
until_true 60 "the clean model" running "$DIGEST"
grep -q '"fashion":901' "$WORK/node/trust/floors.json" || fail "the node does not know the floor"
refused tuf.signature muster repo push --repo "$WORK/thief"
goes_on "the targets key was stolen"

# A year passes: the server tells it to nodes, whose own clocks stay behind.
mark
STALE=$DIGEST
if loads "$FAKETIME_LIBRARY"; then
    export FAKETIME=+400d FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0
    wrap muster $SHIM "$FAKETIME_LIBRARY"
    wrap musterd "$FAKETIME_LIBRARY"
    server_stop
    server_start
    import 3.0.0
    refused tuf.expired muster repo verify
    until_true 60 "complaint of expired metadata" said tuf.expired
    until_true 30 "reports with expired metadata" reports_more
    running "$STALE" || fail "the node changed its model"
    drill "root and targets have expired"
    goes_on "root and targets have expired"
else
    echo "## Drill: root and targets have expired" >>"$WORK/titles"
    echo "drills: no clock to move: 'root and targets have expired' not tried"
fi

mark
cp -r "$WORK/repo" "$WORK/old"
drill "every key is replaced as planned"
for key in "$WORK"/old/keys/*.key "$SAFE/root-safe.key"; do
    ! grep -q "$(keyid_of "$key")" "$WORK/drill.log" || fail "an old key signs still: $key"
done
for _ in 1 2 3; do # above the numbers that count
    muster repo renew --repo "$WORK/old" >"$WORK/old.log" 2>&1 || fail "the old keys"
done
refused tuf.signature muster repo push --repo "$WORK/old"
goes_on "every key is replaced as planned"

# Whoever has the old server answers under its address, with what was published before.
musterd backup --data "$DATA" --to "$WORK/backup" >"$WORK/backup.log" 2>&1 || fail "musterd backup"
OLD_KEY=$(sed -n 's/.*"keyid": *"\([0-9a-f]*\)".*/\1/p' <(muster repo signer list --json | tr -d '\n' |
    sed 's/}/}\n/g' | grep '"timestamp"'))
export BACKUP=$WORK/backup OLD_KEY
mark
server_stop
mv "$DATA" "$WORK/broken"
drill "the server was broken into"
server_start
drill "the server was broken into" 2
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/here/new-server.txt")
goes_on "the server was broken into"
server_stop
mv "$DATA" "$WORK/mended"
mv "$WORK/broken" "$DATA"
mark
server_start
until_true 60 "refusal of the old server" said tuf.signature
until_true 30 "reports to the old server" reports_more
server_stop
mv "$DATA" "$WORK/broken"
mv "$WORK/mended" "$DATA"
server_start
goes_on "the old server came back"

mark
rm "$WORK"/repo/keys/root*.key "$SAFE"/*.key
TIMESTAMP_KEY=$(sed -n 's/^timestamp-key: //p' "$WORK/here/new-server.txt")
export NEW_REPO=$WORK/new-repo TIMESTAMP_KEY STATE=$WORK/node ROOT
drill "all root keys are lost"
server_stop
mv "$DATA/tuf" "$DATA/tuf.old"
server_start
drill "all root keys are lost" 2
until_true 60 "refusal of an unknown root" said 'tuf\.'
until_true 30 "reports until the node is told" reports_more
kill -TERM "$NODE_PID"
wait "$NODE_PID" || fail "the agent ended with status $?"
drill "all root keys are lost" 3
TOKEN=${TOKEN%%.*}
node_start
DIGEST=$(sha256sum <"$WORK/here/clean.mnet" | cut -c1-64)
until_true 60 "model of the new root" running "$DIGEST"
export MUSTER_REPO=$NEW_REPO
goes_on "all root keys are lost"
kill -TERM "$NODE_PID"
wait "$NODE_PID" || fail "the agent ended with status $?"
server_stop

# Every drill was run, and every link to one leads to one.
diff <(grep '^## Drill: ' "$SOURCE/docs/SECURITY.md" | sort) <(sort -u "$WORK/titles") || fail "other drills than these are documented"
for anchor in $(grep -o '](#drill-[a-z-]*)' "$SOURCE/docs/SECURITY.md" | tr -d '](#)'); do
    tr 'A-Z ' 'a-z-' <"$WORK/titles" | sed 's/^##-drill:-/drill-/' | grep -qx "$anchor" || fail "no heading for #$anchor"
done
echo "drills: ok"
