#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Engines: an agent builds one of each verified artifact before that becomes active, its runner infers
# with it, and reports name both digests. A build that fails leaves the version before alone; an engine
# is kept over restarts, and made anew when it is damaged or its runtime says so.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
MODE=$WORK/mode
BUILD=$WORK/build

node_start() { # [OPTION...]
    : >"$WORK/node.log"
    agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:40 --rate 50 --poll-s 1 \
        --runner "$SOURCE/tests/tools/runner.sh $MODE" --on-install "$SOURCE/tests/tools/engine.sh $BUILD" "$@"
}
node_stop() {
    kill "$AGENT_PID"
    wait "$AGENT_PID" || true
}
says() {
    grep -q "$1" "$WORK/node.log"
}
built() { # how often
    [ "$(wc -l <"$BUILD.builds")" -eq "$1" ] || fail "$1 builds expected, found: $(tr '\n' ' ' <"$BUILD.builds")"
}
# reports_of VERSION: predictions come in that were made by the engine of VERSION.
reports_of() {
    local engine last
    engine=$(gzip -n <"$SOURCE/examples/fashion/fashion-$1.onnx" | sha256sum)
    last=$(sql "SELECT coalesce(max(first_id), 0) FROM report")
    until_true 120 "predictions of the engine of $1" came "${engine%% *}" "$1" "$last"
}
came() { # ENGINE VERSION AFTER
    [ "$(sql "SELECT count(*) > 0 FROM v_reports WHERE derived = '$1' AND version = '$2' AND predictions > 0 AND first_id > $3")" = 1 ]
}

echo good >"$MODE"
echo good >"$BUILD"
: >"$BUILD.builds"
fleet_init
fleet_publish_onnx 1.0.0 --no-push
fleet_publish_onnx 1.1.0
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)
node_start
reports_of 1.0.0
built 1
"$BIN/muster" node show 1 --json 2>"$WORK/show.err" | tr -d "\n" >"$WORK/show.json"
derived=$(sed -n 's/.*"derived": "\([0-9a-f]\{64\}\)".*/\1/p' "$WORK/show.json")
[ "$(sql "SELECT derived || version FROM v_node_engine")" = "${derived}1.0.0" ] || fail "not shown: $(cat "$WORK/show.json")"

# A program that cannot build one: said with its reason, and the version before goes on.
echo refuse >"$BUILD"
fleet_deploy 1.1.0
until_true 120 "refusal" says 'refused.*engine\.refused.*no such operator'
reports_of 1.0.0
built 2

# After a restart the engine that was kept is used again; then the new one is built.
node_stop
echo good >"$BUILD"
node_start
reports_of 1.1.0
built 3

# A damaged engine is noticed and made anew; so is one that its runtime does not want any more.
node_stop
engine=$(echo "$WORK"/node/models/*.engine/engine.gz)
[ "$(wc -w <<<"$engine")" -eq 2 ] || fail "engines of two versions expected: $engine"
for file in $engine; do
    chmod 600 "$file"
    echo >>"$file"
done
node_start
until_true 120 "new engine" says 'event=engine built='
reports_of 1.1.0
says 'damaged=' || fail "a damaged engine was not noticed"
built 4
node_stop
echo stale >"$MODE"
node_start
until_true 120 "new engine" says 'event=engine built='
reports_of 1.1.0
says 'stale="built for another runtime"' || fail "no word of the runtime's wish"
built 5

# Builds that fail, write too much or take too long end with all of their group.
for mode in fail big slow; do
    node_stop
    rm -rf "$WORK"/node/models/*.engine
    echo $mode >"$BUILD"
    seconds=120
    [ $mode != slow ] || seconds=1
    node_start --on-install-bytes 10000000 --on-install-s $seconds
    until_true 120 "end of a build: $mode" says 'engine_failed.*engine\.failed'
done
says 'took longer than 1 s' || fail "another reason than time: $(cat "$WORK/node.log")"
until_true 60 "end of the child" test ! -e "/proc/$(cat "$BUILD.child")"
[ ! -e "$(echo "$WORK"/node/models/*.engine)" ] || fail "what a failed build left is still there"
node_stop
server_stop
echo "on_install: ok builds=$(tr '\n' ' ' <"$BUILD.builds")"
