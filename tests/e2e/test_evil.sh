#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A server that lies (through tests/tools/evil_proxy.c): for each attack on metadata or artifact a
# new version is published behind it. The node must refuse it with the right code in one line, keep
# reporting with the model that it had, and take the version once the server is right again.
# tests/unit/edge/test_evil_server.c plays more of them against the library; MUSTER_ATTACKS=all
# (script/soak evil) plays here those too that differ from others in the file only.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
PROXY_PROGRAM=${2:-$TOOLS/evil_proxy}
LIFE_MS=6000

proxy_listens() {
    grep -q '^listening on ' "$WORK/proxy.out" 2>/dev/null
}

lie() {
    printf '%s\n' "$@" >"$WORK/rules.new"
    mv "$WORK/rules.new" "$WORK/rules"
}

tell_truth() {
    rm -f "$WORK/rules"
}

fetch() {
    curl -fsS -o "$2" "$MUSTER_SERVER/tuf/metadata/$1" || fail "could not fetch $1"
}

running() {
    [ "$(sql "SELECT lower(hex(c.artifact)) FROM report r JOIN cohort c ON c.id = r.cohort_id
      WHERE r.rows > 0 ORDER BY r.first_id DESC LIMIT 1")" = "$1" ]
}

# said CODE-PATTERN: a line with that code came since $WORK/seen.
said() {
    cat "$WORK/node.out" "$WORK/node.log" | tail -n "+$((SEEN + 1))" | grep -Eq "$1"
}

digest_of() {
    sha256sum <"$1" | cut -c1-64
}

# publish_next [OPTION...]: one more version, with bytes of its own; leaves $NEXT and $NEXT_DIGEST.
publish_next() {
    STEP=$((STEP + 1))
    NEXT=1.1.$STEP
    "$BIN/muster" model import "$SOURCE/examples/fashion/fashion-1.1.0.onnx" --name "step-$STEP" \
        -o "$WORK/$NEXT.mnet" >"$WORK/import.log" 2>&1 || fail "muster model import"
    NEXT_DIGEST=$(digest_of "$WORK/$NEXT.mnet")
    fleet_publish "$NEXT" --server "$MUSTER_SERVER" "$@"
    fleet_deploy "$NEXT"
}

# more_attack: as attack, where all are asked for.
more_attack() {
    [ "${MUSTER_ATTACKS:-}" != all ] || attack "$@"
}

# attack NAME CODE-PATTERN RULE...
attack() {
    local name=$1 codes=$2 before
    shift 2
    SEEN=$(cat "$WORK/node.out" "$WORK/node.log" | wc -l)
    before=$DIGEST
    lie "$@"
    publish_next
    until_true 40 "refusal ($codes) of '$name'" said "$codes"
    acks=$(wc -l <"$WORK/node.ack")
    more_acks() { [ "$(wc -l <"$WORK/node.ack")" -gt "$((acks + 1))" ]; }
    until_true 30 "reports during '$name'" more_acks
    running "$before" || fail "'$name': the node does not run what it had"
    tell_truth
    until_true 60 "recovery from '$name'" running "$NEXT_DIGEST"
    DIGEST=$NEXT_DIGEST
    echo "evil: $name: refused, kept its model, recovered"
}

fleet_init --timestamp-ms $LIFE_MS
"$PROXY_PROGRAM" "$PORT" "$WORK/rules" >"$WORK/proxy.out" 2>"$WORK/proxy.log" &
PIDS+=($!)
until_true 10 "listening proxy" proxy_listens
PROXY=$(sed -n 's/^listening on /http:\/\//p' "$WORK/proxy.out")
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
STEP=0
DIGEST=$(digest_of "$WORK/1.0.0.mnet")
TOKEN=$(fleet_token 5)
fetch timestamp.json "$WORK/old-timestamp.json"
fetch 2.snapshot.json "$WORK/old-snapshot.json"
# A foreign repository with a server of its own.
mkdir "$WORK/foreign"
"$BIN/musterd" init --data "$WORK/foreign/data" >"$WORK/foreign/init.out" 2>/dev/null || fail "foreign init"
"$BIN/muster" repo init "$WORK/foreign/repo" --passphrase-file "$WORK/passphrase" --timestamp-key \
    "$(sed -n 's/^timestamp-key: //p' "$WORK/foreign/init.out")" >"$WORK/foreign/repo.log" 2>&1 || fail "foreign repository"

SERVER=$MUSTER_SERVER
MUSTER_SERVER=$PROXY agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --rate 50 --poll-s 1
NODE_PID=$AGENT_PID
export MUSTER_SERVER=$SERVER
until_true 60 "reports under 1.0.0" running "$DIGEST"

sleep 2 # the next timestamp has another version than the saved one
more_attack "flipped byte in timestamp" 'tuf\.[a-z_]+' "flip /timestamp.json 120"
more_attack "flipped byte in snapshot" 'tuf\.[a-z_]+' "flip .snapshot.json 200"
attack "flipped byte in targets" 'tuf\.[a-z_]+' "flip .targets.json 700"
attack "flipped byte in artifact" 'tuf\.hash' "flip /tuf/targets/ 5000"
more_attack "artifact cut short" 'tuf\.length|net' "cut /tuf/targets/ 5000"
attack "older timestamp" 'tuf\.rollback' "file /timestamp.json $WORK/old-timestamp.json"
more_attack "older snapshot" 'tuf\.[a-z_]+' "file .snapshot.json $WORK/old-snapshot.json"
more_attack "foreign targets" 'tuf\.[a-z_]+' "file .targets.json $WORK/foreign/repo/metadata/1.targets.json"
attack "foreign root" 'tuf\.[a-z_]+' "file .root.json $WORK/foreign/repo/metadata/1.root.json"
attack "endless timestamp" 'tuf\.too_large|limit' "endless /timestamp.json 0"
more_attack "answers 500" 'net\.status|503|500' "status /timestamp.json 500"
fetch timestamp.json "$WORK/frozen.json"
attack "frozen timestamp" 'tuf\.expired|tuf\.rollback' "file /timestamp.json $WORK/frozen.json"
# Below the floor: the server does not deploy it, and the node refuses it from one that does.
publish_next --floor $((STEP + 2))
until_true 60 "the version of the floor" running "$NEXT_DIGEST"
! "$BIN/muster" model deploy fashion --version 1.0.0 >"$WORK/below.out" 2>&1 || fail "the server deployed what is below the floor"
grep -q 'model\.below_floor' "$WORK/below.out" || fail "a deployment below the floor: $(cat "$WORK/below.out")"
printf '{"models":[{"model":"fashion","version":"1.0.0","seq":1,"variant":"fp32","artifact":"%s","length":%d,
  "path":"fashion/1/fp32.mnet","arm":"none","detail":{"mode":"full"}}],"poll_s":5,"timestamp_version":1,"root_version":1}' \
    "$(digest_of "$WORK/1.0.0.mnet")" "$(stat -c %s "$WORK/1.0.0.mnet")" >"$WORK/below-floor.json"
SEEN=$(cat "$WORK/node.out" "$WORK/node.log" | wc -l)
lie "file /v1/assignment $WORK/below-floor.json"
until_true 40 "refusal of a version below the floor" said 'tuf\.floor'
acks=$(wc -l <"$WORK/node.ack")
until_true 30 "reports after it" more_acks
running "$NEXT_DIGEST" || fail "the node went below the floor"
tell_truth
echo "evil: below the floor: refused, kept its model"
kill -0 "$NODE_PID" || fail "the agent died"

# A node that starts with a wrong root never runs anything, and says why.
TOKEN=${TOKEN%%.*} ROOT=$WORK/foreign/repo/metadata/1.root.json agent_start stranger \
    --source "$DATASET/t10k-images-idx3-ubyte.gz" --rate 50 --poll-s 1
stranger_refuses() {
    cat "$WORK/stranger.out" "$WORK/stranger.log" | grep -Eq 'tuf\.[a-z_]+'
}
until_true 30 "refusal of a wrong root" stranger_refuses
sleep 2
[ ! -s "$WORK/stranger.ack" ] || ! awk '$4 > 0 { found = 1 } END { exit !found }' "$WORK/stranger.ack" ||
    fail "a node with a wrong root made predictions"
for pid in "${PIDS[@]:1}"; do
    kill -TERM "$pid" && wait "$pid" || fail "an agent ended with status $?"
done
server_stop
acks_hold >"$WORK/acks.out"
echo "evil: ok attacks=14"
