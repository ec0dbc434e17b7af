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
