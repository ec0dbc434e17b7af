#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several people sign: thresholds, staged changes, rotation, a team's model, a bundle on a
# stick, a key in other hands (openssl), withdrawing and floors.
#   test_signing.sh MUSTER FIXTURE_KEYS
set -u
muster=$1
fixture=$2
unset MUSTER_SERVER MUSTER_TOKEN MUSTER_REPO MUSTER_PASSPHRASE
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-cli-signing.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

# expect CODE WORDS COMMAND...: exits with CODE and says WORDS, on stderr or stdout.
expect() {
    code=$1
    words=$2
    shift 2
    "$@" >out 2>err
    found=$?
    [ $found -eq "$code" ] || fail "$* exits with $found, not $code: $(cat err)"
    [ -z "$words" ] || cat out err | grep -q -e "$words" || fail "$* says '$(cat out err)', not '$words'"
}

value() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" out | head -n 1
}

timestamp=197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61
export MUSTER_PASSPHRASE='a long passphrase' MUSTER_REPO=models
"$fixture" repo models $timestamp "$MUSTER_PASSPHRASE" || exit 1
"$fixture" key anna.key anna "$MUSTER_PASSPHRASE" || exit 1
"$fixture" key team.key team "$MUSTER_PASSPHRASE" || exit 1
"$fixture" key ben.key ben 'another passphrase' || exit 1
head -c 3000 /dev/zero >net.onnx
# Two of two for targets.
expect 0 '' "$muster" key export anna.key --public anna.pub
expect 1 'exists' "$muster" key export anna.key --public anna.pub
expect 1 'threshold from 1 to the 1 keys' "$muster" repo threshold targets 2
expect 0 'published here: root 2' "$muster" repo signer add targets --key anna.pub
expect 0 'the targets role needs 2 signatures' "$muster" repo threshold targets 2
expect 1 'no key at hand can add' "$muster" repo sign --yes
expect 0 'targets needs 2 of 2 signatures, before: 1 of 2' "$muster" repo sign --yes --key anna.key
grep -q 'published here: root 3, targets 2, snapshot 2' err || fail "the threshold: $(cat err)"
expect 0 'nothing is staged' "$muster" repo sign

# A publication that waits for the second signer, and is not signed unseen.
expect 0 'has 1: ask one of' "$muster" model publish net.onnx --model m --version 1.0.0 --task classify
[ "$(value signed)" = false ] || fail "an incomplete publication counts as signed"
expect 0 '"staged"' "$muster" repo status
expect 0 'added to what was staged' "$muster" model publish net.onnx --model m --version 1.1.0 --task classify
expect 2 'no terminal' setsid "$muster" repo sign --key anna.key
expect 0 'm/2/fp32.onnx, 3000 bytes: version 1.1.0' "$muster" repo sign --yes --key anna.key
grep -q 'published here' err || fail "two signers did not publish: $(cat err)"

# On a stick, to a machine without a network, and back.
expect 0 'staged' "$muster" model floor m 2
expect 0 'unbundle' "$muster" repo bundle stick
expect 1 'exists' "$muster" repo bundle stick
expect 1 'no signature that is still needed' "$muster" repo unbundle stick
[ ! -e stick/keys ] && [ ! -e stick/targets ] || fail "a bundle holds keys or models"
expect 1 'is a bundle' "$muster" repo status -r stick
expect 0 'the floor of m goes from 0 to 2' "$muster" repo sign --bundle stick --yes --key anna.key
expect 0 'took 1 signature' "$muster" repo unbundle stick
expect 0 'published here' "$muster" repo sign --yes
expect 1 'it is never lowered' "$muster" model floor m 1
expect 0 '' "$muster" repo discard

# A key that only openssl has.
openssl ecparam -name prime256v1 -genkey -noout -out hsm.pem 2>/dev/null
openssl ec -in hsm.pem -pubout -out hsm.pub 2>/dev/null
expect 0 '' "$muster" repo signer add targets --key hsm.pub --sign-key anna.key
expect 0 'has 1' "$muster" model publish net.onnx --model m --version 1.2.0 --task classify
expect 1 'verifies with no key' "$muster" repo sign --yes --external 'openssl dgst -sha512 -sign hsm.pem'
expect 1 'failed with status' "$muster" repo sign --yes --external false
expect 1 'raw or in hex' "$muster" repo sign --yes --external true
expect 0 'published here' "$muster" repo sign --yes --external 'openssl dgst -sha256 -sign hsm.pem'
expect 0 'published here' "$muster" repo threshold targets 1

# One passphrase a command: a key that another one seals is left out, and that is said.
expect 0 'published here' "$muster" repo delegate dogs --key ben.key --key team.key --threshold 2
expect 0 'has another passphrase and did not sign' env MUSTER_PASSPHRASE='another passphrase' \
    "$muster" model publish net.onnx --model dogs --version 1.0.0 --task classify --key ben.key --key team.key
grep -q 'the dogs role needs 2 signatures .* and has 1' err || fail "two keys of a team: $(cat err)"
expect 0 'published here' "$muster" repo sign --yes --key team.key

# A model of a team's own.
expect 2 'key' "$muster" repo delegate cats
expect 0 'published here' "$muster" repo delegate cats --key team.key
expect 0 'published here' \
    "$muster" model publish net.onnx --model cats --version 1.0.0 --task classify --key team.key
[ "$(value signed)" = true ] || fail "the team's model is not signed"
expect 0 '"listed_by": "cats"' "$muster" repo status
expect 0 'published here' "$muster" repo renew --role cats --key team.key
expect 0 'published here' "$muster" model remove cats 1.0.0 --key team.key
expect 2 'keep' "$muster" repo undelegate cats
expect 0 'published here' "$muster" repo undelegate cats --withdraw
# Rotation: one label, in one command.
expect 0 'published here' "$muster" key rotate targets
[ "$(value label)" = targets-2 ] || fail "the next key is labelled $(value label)"
[ "$(stat -c %a models/keys/targets-2.key)" = 600 ] || fail "the new key is open to others"
expect 1 'key.missing' "$muster" key rotate nobody
expect 0 'published here' "$muster" key rotate root
expect 1 'name one of them' "$muster" key rotate root
expect 0 '"root-2"' "$muster" key list

expect 0 '' "$muster" repo signer list
expect 0 'would accept' "$muster" repo verify

# Keys are never overwritten and closed to others.
"$muster" key new anna.key 2>err && fail "a key file was overwritten"
expect 0 '' "$muster" key new carol.key
[ "$(stat -c %a carol.key)" = 600 ] || fail "a key file is open to others"
exit $failed
