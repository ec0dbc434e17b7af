#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Store and ingest (ids, dedupe, rollups; no HTTP, no decoding) against plain SQLite with the
# same rows and the same rows a transaction, in turn, so that a busy machine slows both.
# Prints each run and the medians of the ratios. The processor time is steadier than the rate.
#
#   bench_store.sh [ROUNDS]        5 rounds
set -euo pipefail
bin=$(cd "$(dirname "$0")/../../build/bin" && pwd)
rounds=${1:-5}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

field() { sed -n "s/.*$1=\([0-9.]*\).*/\1/p" <<< "$2"; }

json() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<< "$2"; }

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

measure() {
    local rows=$1 reports=$2 ours peer
    : > "$tmp/rates"; : > "$tmp/cpus"
    for round in $(seq 1 "$rounds"); do
        ours=$("$bin/bench_ingest" "$tmp/data" "$reports" "$rows" 16 2> "$tmp/log")
        peer=$("$bin/bench_sqlite" "$tmp/peer.db" 2 "$rows" 16)
        echo "rows=$rows round=$round muster: $ours"
        echo "rows=$rows round=$round sqlite: $peer"
        awk "BEGIN { print $(field rate "$ours") / $(json rate "$peer") }" >> "$tmp/rates"
        field cpu "$ours" >> "$tmp/cpus"
        rm -rf "$tmp/data" "$tmp"/peer.db*
    done
    echo "rows=$rows ratio_to_sqlite=$(median < "$tmp/rates") cpu_s_per_million=$(median < "$tmp/cpus")"
}

measure 100 8000
measure 1000 800
