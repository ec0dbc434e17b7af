#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How small a delta between two models is, what it costs to make and to apply, and what zstd
# --patch-from, xdelta3 and bsdiff make of the same files: two arrays of 1,310,720 weights behind
# a header of 64 bytes, fp32 and int8, of which a random tenth, the last tenth or all changed.
#
#   script/bench deltas [--only "PEER ..."]
#
#   --only    of: muster zstd3 zstd19 xdelta3 bsdiff (all)
# Sizes in % of the new file, CPU seconds of whole processes (reading and writing the files too),
# peak memory in MB. The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/peers.sh"

peers="muster zstd3 zstd19 xdelta3 bsdiff"
while [ $# -gt 0 ]; do
    case "$1" in
        --only) peers=$2; shift ;;
        *) sed -n '7,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done
case " $peers " in *" zstd"*) need zstd ;; esac
case " $peers " in *" xdelta3 "*) need xdelta3 ;; esac
case " $peers " in *" bsdiff "*) need bsdiff ;; esac

run() {
    "$BIN/bench_deltas" run "$@"
}

# PEER_encode BASE NEW DELTA, PEER_decode BASE DELTA RESULT: print seconds and MB.
muster_encode() { run "$BIN/bench_deltas" encode "$1" "$2" "$3"; }
muster_decode() { run "$BIN/bench_deltas" decode "$1" "$2" "$3"; }
zstd3_encode() { run zstd -q -f -3 --single-thread --long=27 --patch-from="$1" "$2" -o "$3"; }
zstd3_decode() { run zstd -q -f -d --long=27 --patch-from="$1" "$2" -o "$3"; }
zstd19_encode() { run zstd -q -f -19 --single-thread --long=27 --patch-from="$1" "$2" -o "$3"; }
zstd19_decode() { zstd3_decode "$@"; }
xdelta3_encode() { run xdelta3 -f -9 -e -B 16777216 -s "$1" "$2" "$3"; }
xdelta3_decode() { run xdelta3 -f -d -B 16777216 -s "$1" "$2" "$3"; }
bsdiff_encode() { run bsdiff "$1" "$2" "$3"; }
bsdiff_decode() { run bspatch "$1" "$3" "$2"; }

measure() {
    local peer=$1 name=$2 kind=$3 encoded decoded
    local base=$WORK/base.$kind new=$WORK/$name.$kind
    encoded=$("${peer}_encode" "$base" "$new" "$WORK/delta") || fail "$peer cannot encode $name.$kind"
    decoded=$("${peer}_decode" "$base" "$WORK/delta" "$WORK/result") || fail "$peer cannot decode $name.$kind"
    cmp -s "$new" "$WORK/result" || fail "$peer: another result for $name.$kind"
    local share
    share=$(calc "100 * $(stat -c %s "$WORK/delta") / $(stat -c %s "$new")")
    printf '%-5s %-7s %-8s %7.2f %9s %8s %9s %8s\n' "$kind" "$name" "$peer" "$share" $encoded $decoded
    read -r encode_s encode_mb <<<"$encoded"
    read -r decode_s decode_mb <<<"$decoded"
    results+=("{\"kind\":\"$kind\",\"case\":\"$name\",\"peer\":\"$peer\",\"percent\":$share,\"encode_s\":$encode_s,\"encode_mb\":$encode_mb,\"decode_s\":$decode_s,\"decode_mb\":$decode_mb}")
    [ "$peer" != muster ] || judge "$name.$kind" "$share"
}

# The bars of docs/BENCHMARKS.md, on sizes: they are the same on every machine.
judge() {
    local most
    case "$1" in
        last.f32) most=8 ;;
        all.f32) most=70 ;;
        all.int8) most=22 ;;
        *) return 0 ;;
    esac
    awk "BEGIN { exit !($2 <= $most) }" || fail "$1: $2 % of the file, at most $most"
}

"$BIN/bench_deltas" make "$WORK" || fail "no models"
results=()
printf '%-5s %-7s %-8s %7s %9s %8s %9s %8s\n' kind changed by % encode_s MB decode_s MB
for kind in f32 int8; do
    for name in random last all; do
        for peer in $peers; do
            measure "$peer" "$name" "$kind"
        done
    done
done
printf '{"bench":"deltas",%s,"results":[%s]}\n' "$(machine_json)" "$(IFS=,; echo "${results[*]}")"
