#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples print what a net whose answers are known by hand must say.
#   test_examples.sh FIXTURE_COLOURS EXAMPLE_IMAGE224 EXAMPLE_INFER
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-examples.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

"$1" "$work/net.mnet" "$work/picture.ppm" || fail "no net and no picture"
head -c 40 /dev/zero >"$work/zeros"

# Only the middle is seen: the logits are 4, 0.8, 0, 1, 2, 0; "blue" comes before "none".
"$2" "$work/net.mnet" "$work/picture.ppm" >"$work/out" || fail "image224 failed"
cat >"$work/expected" <<'TEXT'
0 0.7921 red
4 0.1072 light
3 0.0394 dark
1 0.0323 green
2 0.0145 blue
TEXT
cmp "$work/out" "$work/expected" || fail "image224 says $(cat "$work/out")"
"$2" "$work/net.mnet" "$work/zeros" 2>/dev/null && fail "image224 took what is no picture"
"$2" "$work/zeros" "$work/picture.ppm" 2>"$work/err" && fail "image224 took what is no model"
[ -s "$work/err" ] || fail "image224 does not say what is wrong"

# 224x224 black pixels: the logits are 0, 0, 0, 1, 2, 0.
head -c $((224 * 224 * 3)) /dev/zero | "$3" "$work/net.mnet" >"$work/out" || fail "infer failed"
cat >"$work/expected" <<'TEXT'
0.0709 red
0.0709 green
0.0709 blue
0.1927 dark
0.5238 light
0.0709 none
TEXT
cmp "$work/out" "$work/expected" || fail "infer says $(cat "$work/out")"
exit $failed
