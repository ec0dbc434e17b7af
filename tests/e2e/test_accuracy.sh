#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_accuracy.sh MUSTER: imports both versions of the example and counts right answers over all
# 10,000 test images: within 0.05 points (5 images) of what PyTorch got with the same net, which
# stands in examples/fashion/accuracy.json. Skipped (77) without Debian's data set.
set -eu
muster=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
data=${MUSTER_DATASET:-/usr/share/datasets/fashion-mnist}
[ -r "$data/t10k-images-idx3-ubyte.gz" ] || exit 77
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-accuracy.XXXXXX")
trap 'rm -rf "$work"' EXIT

for version in 1.0.0 1.1.0; do
    wanted=$(tr -d ' \n' <"$source/examples/fashion/accuracy.json" |
        sed -n "s/.*\"$version\":{[^}]*\"correct\":\([0-9]*\).*/\1/p")
    [ -n "$wanted" ] || { echo "no accuracy of $version on record"; exit 1; }
    right=$("$muster" model import "$source/examples/fashion/fashion-$version.onnx" \
        --output "$work/$version.mnet" --test "$data/t10k-images-idx3-ubyte.gz" \
        --labels "$data/t10k-labels-idx1-ubyte.gz" --json |
        sed -n 's/.*"right": \([0-9]*\).*/\1/p')
    difference=$((right - wanted))
    echo "fashion $version: $right right of 10000, PyTorch $wanted"
    [ "${difference#-}" -le 5 ] || { echo "FAIL: more than 0.05 points apart"; exit 1; }
    [ "$right" -ge 9130 ] || { echo "FAIL: under 91.3 %"; exit 1; }
    ppm=$("$muster" model show "$work/$version.mnet" --json |
        sed -n 's/.*"test.accuracy.ppm": "\([0-9]*\)".*/\1/p')
    [ "$ppm" -eq $((right * 100)) ] || { echo "FAIL: the file says $ppm ppm"; exit 1; }
done

# One picture as a PGM gives the same classes as in its IDX file, the most probable first.
{
    printf 'P5\n28 28\n255\n'
    gzip -dc "$data/t10k-images-idx3-ubyte.gz" | tail -c +17 | head -c 784
} >"$work/boot.pgm"
"$muster" model run "$work/1.1.0.mnet" "$work/boot.pgm" --json >"$work/pgm.json"
"$muster" model run "$work/1.1.0.mnet" "$data/t10k-images-idx3-ubyte.gz" --json >"$work/idx.json"
cmp "$work/pgm.json" "$work/idx.json" || { echo "FAIL: PGM and IDX differ"; exit 1; }
first=$(sed -n 's/.*"class": \([0-9]*\).*/\1/p' "$work/pgm.json" | head -n 1)
[ "$first" -eq 9 ] || { echo "FAIL: the boot is class $first"; exit 1; }
head -c 100 "$work/boot.pgm" >"$work/cut.pgm"
! "$muster" model run "$work/1.1.0.mnet" "$work/cut.pgm" >"$work/out" 2>"$work/err" ||
    { echo "FAIL: a cut picture is accepted"; exit 1; }
[ ! -s "$work/out" ] && grep -q 'cut.pgm' "$work/err" || { echo "FAIL: no message"; exit 1; }
