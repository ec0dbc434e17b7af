#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Models in a foreign format: an agent with a runner is offered them, runs them through it and
# reports; runners that die, hang, lie, or do not take a new version cost nothing but frames. The
# operator sees why a node without a runner gets nothing.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
MODE=$WORK/mode

acknowledged() { # MORE THAN: predictions
    local rows
    rows=$(awk '{ rows += $4 } END { print rows + 0 }' "$WORK/node.ack") && [ "$rows" -gt "$1" ]
}
# goes_on WHAT: predictions keep coming.
goes_on() {
    until_true 60 "predictions $1" acknowledged "$(awk '{ rows += $4 } END { print rows + 5 }' "$WORK/node.ack")"
}
# says PATTERN: a line of the agent's log.
says() {
    grep -q "$1" "$WORK/node.log"
}
# becomes MODE PATTERN: the runner is like this from its next frame on; the agent says so.
becomes() {
    echo "$1" >"$MODE"
    until_true 60 "line with: $2" says "$2"
}

echo good >"$MODE"
fleet_init
fleet_publish_onnx 1.0.0 --no-push
fleet_publish_onnx 1.1.0 # the server gets both
fleet_deploy 1.0.0
TOKEN=$(fleet_token 2)
: >"$WORK/node.ack"
agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:40 --rate 50 \
    --runner "$SOURCE/tests/tools/runner.sh $MODE" --poll-s 1 --runner-start-s 1 --runner-frame-ms 500
RUNNING=$AGENT_PID
goes_on "through the runner"
"$BIN/muster" query classes --json 2>"$WORK/query.err" | tr -d "\n" >"$WORK/classes.json"
grep -q '"name": "class 10"' "$WORK/classes.json" || fail "no signed class names: $(cat "$WORK/classes.json")"

agent_start plain --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:40
shown_why() {
    "$BIN/muster" node show 2 --json 2>"$WORK/show.err" | tr -d "\n" >"$WORK/show.json"
    grep -Eq "\"offered\": null.*\"variant\": \"onnx\".*\"verdict\": \"other_hardware\".*\"reason\": \"format 'onnx' expected, 'mnet/1' found\"" \
        "$WORK/show.json"
}
until_true 60 "reason why a node gets nothing" shown_why
kill "$AGENT_PID"
wait "$AGENT_PID" || true
AGENT_PID=$RUNNING

becomes die 'runner_failed.*status 9'
becomes lie 'runner\.protocol.*below 10'
becomes hang 'runner_failed.*not answer in time'
becomes picky 'frame_left_out.*too dark'
goes_on "with a runner that fails"

# A new version whose runner is never ready: the one before goes on, and gives way when it can.
echo mute >"$MODE"
fleet_deploy 1.1.0
until_true 60 "refusal by its runner" says 'refused.*runner\.start'
goes_on "of the version before"
says version=1.1.0 && fail "a version became active whose runner was not ready"
becomes good version=1.1.0
two_artifacts() {
    [ "$(sql "SELECT count(DISTINCT artifact) FROM cohort")" -eq 2 ]
}
until_true 60 "predictions of the new version" two_artifacts
[ "$(sql "SELECT count(*) FROM prediction WHERE class > 9")" -eq 0 ] || fail "a class that the model has not"

kill "$AGENT_PID"
wait "$AGENT_PID" || true
while read -r pid; do
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qE "runner.sh $MODE|sleep 1000" && fail "a runner is left: $pid"
done <"$MODE.pids"
server_stop
echo "runner: ok runners=$(wc -l <"$MODE.pids") predictions=$(sql "SELECT count(*) FROM prediction")"
