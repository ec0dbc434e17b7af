#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples/node.c against a real server: it enrols, takes the signed model and reports, for one
# picture of Fashion-MNIST, the class that `muster model run` gives.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"

gzip -dc "$DATASET/t10k-images-idx3-ubyte.gz" >"$WORK/images.idx"
{ printf 'P5 28 28 255\n' && head -c $((16 + 28 * 28)) "$WORK/images.idx" | tail -c $((28 * 28)); } >"$WORK/first.pgm"
fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)
"$BIN/example-node" "$MUSTER_SERVER" "$WORK/node" "$ROOT" "$TOKEN" "$WORK/first.pgm" >"$WORK/node.log" 2>&1 &
PIDS+=($!)
reported() {
    [ "$(sql "SELECT count(*) FROM prediction")" -ge 3 ]
}
until_true 60 "predictions of the example node" reported
wanted=$("$BIN/muster" model run "$WORK/1.0.0.mnet" "$WORK/first.pgm" --json |
    grep -o '"class": *[0-9]*' | head -n 1 | grep -o '[0-9]*$')
[ "$(sql "SELECT group_concat(DISTINCT class) FROM prediction")" = "$wanted" ] ||
    fail "the node saw class $(sql "SELECT group_concat(DISTINCT class) FROM prediction"), expected '$wanted'"
server_stop
echo "node: ok class=$wanted"
