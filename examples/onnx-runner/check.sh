#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check.sh [BIN]: the example's .onnx, signed and published, run by runner.js on all test images and
# reported: as many are right as PyTorch had right (but for 3, where rounding may decide).
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/../../tests/e2e/lib.sh"
RUNNER=$SOURCE/examples/onnx-runner
[ -d "$RUNNER/node_modules/onnxruntime-node" ] || fail "npm install --ignore-scripts --prefix $RUNNER first"
wanted=$(grep -m 1 -o '"correct": *[0-9]*' "$SOURCE/examples/fashion/accuracy.json" | grep -o '[0-9]*$')

fleet_init
"$BIN/muster" model publish "$SOURCE/examples/fashion/fashion-1.0.0.onnx" --repo "$WORK/repo" --model fashion \
    --version 1.0.0 --variant onnx --task classify --passphrase-file "$WORK/passphrase" \
    --server "$MUSTER_SERVER" >"$WORK/publish.log" 2>&1 || fail "publish"
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)
agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --rate 0 --until-done \
    --runner "node $RUNNER/runner.js" --runner-format onnx
wait "$AGENT_PID" || fail "the agent"
gzip -dc "$DATASET/t10k-labels-idx1-ubyte.gz" | tail -c +9 | od -An -v -tu1 -w1 | tr -d ' ' >"$WORK/labels"
right=$(sqlite3 "$WORK/data/muster.db" 'CREATE TEMP TABLE label(class INTEGER)' ".import $WORK/labels label" \
    'SELECT count(*) FROM prediction AS p JOIN label AS l ON l.rowid = p.sample + 1 AND l.class = p.class')
total=$(sql 'SELECT count(*) FROM prediction')
server_stop
[ "$total" -eq 10000 ] || fail "$total predictions, not 10000"
[ $((right - wanted)) -le 3 ] && [ $((wanted - right)) -le 3 ] || fail "$right are right, PyTorch had $wanted"
echo "onnx-runner: ok right=$right of $total, PyTorch $wanted"
