#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A verb of the publisher that is killed at any change of the file system leaves the state
# before or the one after, and run again it goes on.
#   test_killed.sh MUSTER FIXTURE_KEYS SHIM_KILL
set -u
muster=$1
fixture=$2
shim=$3
unset MUSTER_SERVER MUSTER_TOKEN
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-cli-killed.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export MUSTER_PASSPHRASE='a long passphrase' MUSTER_REPO=before
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

"$fixture" repo before 197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61 \
    "$MUSTER_PASSPHRASE" && "$fixture" key anna.key anna "$MUSTER_PASSPHRASE" || exit 1
head -c 3000 /dev/zero >net.onnx

# killed POINTS COMMAND...: at every point, of which there are at least POINTS; the command
# is one that fails with `exists` or a floor when it is repeated.
killed() {
    least=$1
    shift
    point=1
    while :; do
        rm -rf after
        cp -r before after
        KILL_AT=$point LD_PRELOAD=$shim MUSTER_REPO=after "$muster" "$@" >out 2>err
        [ $? -eq 99 ] || break
        MUSTER_REPO=after "$muster" repo verify >out 2>err ||
            fail "$* killed at $point: $(cat err)"
        MUSTER_REPO=after "$muster" "$@" >out 2>err || grep -q 'already\|never lowered' err ||
            fail "$* killed at $point, again: $(cat err)"
        if [ -e after/staged/targets.json ]; then
            MUSTER_REPO=after "$muster" repo sign --yes --key anna.key >out 2>err ||
                fail "$* killed at $point, signed: $(cat err)"
        fi
        MUSTER_REPO=after "$muster" repo status >out 2>err
        grep -q "$changed" out || fail "$* killed at $point has not happened: $(cat out)"
        point=$((point + 1))
    done
    [ $point -gt "$least" ] || fail "$* was killed at $((point - 1)) points only"
}

changed='"seq": 1'
killed 20 model publish net.onnx --model m --version 1.0.0 --task classify
"$muster" model publish net.onnx --model m --version 1.0.0 --task classify >out 2>err || fail "publish"
# With a second signer the verb stages.
"$muster" repo signer add targets --key anna.key >out 2>err || fail "signer add: $(cat err)"
"$muster" repo threshold targets 2 --sign-key anna.key >out 2>err || fail "threshold: $(cat err)"
changed='"floor": 1'
killed 4 model floor m 1
exit $failed
