#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs ONNX's backend test cases (Debian's libonnx-testdata) through the importer and the runtime:
# no case may fail, and those that tests/vectors/onnx/passing.txt names must pass. What else passes
# is printed, to be added there.
#
#   test_onnx.sh [EMULATOR] MUSTER_ONNX_TEST
set -euo pipefail
program=("$@")
names=$(cd "$(dirname "$0")/../vectors/onnx" && pwd)/passing.txt
data=/usr/share/libonnx-testdata/data
if [ ! -d "$data" ]; then
    echo "onnx: libonnx-testdata is not installed (script/setup --all)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$data"
status=0
find . -name model.onnx -printf '%h\n' | sed 's,^\./,,' | LC_ALL=C sort |
    xargs "${program[@]}" >"$work/all" || status=$?
# xargs gives 123 when a case did not pass; another number is a crash.
[ "$status" -eq 0 ] || [ "$status" -eq 123 ] || { echo "onnx: ${program[*]} ended with $status"; exit 1; }
if grep ': FAIL' "$work/all"; then
    exit 1
fi
sed -n 's/: ok.*//p' "$work/all" | LC_ALL=C sort >"$work/passed"
if ! LC_ALL=C comm -23 "$names" "$work/passed" | sed 's/^/onnx: must pass: /' | (! grep .); then
    exit 1
fi
LC_ALL=C comm -13 "$names" "$work/passed" | sed 's/^/onnx: passes and is not in passing.txt: /'
echo "onnx: $(wc -l <"$names") cases that must pass do; $(tail -1 "$work/all")"
