#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The publisher's way without a server: init, publish, status, keys, verify, renew; and that
# what goes wrong says so, changes nothing and leaves no passphrase anywhere.
set -u
muster=$1
unset MUSTER_SERVER MUSTER_TOKEN MUSTER_REPO MUSTER_PASSPHRASE
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-cli-repo.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

# expect CODE WORDS COMMAND...: exits with CODE and says WORDS on stderr.
expect() {
    code=$1
    words=$2
    shift 2
    "$@" >out 2>err
    found=$?
    [ $found -eq "$code" ] || fail "$* exits with $found, not $code: $(cat err)"
    [ -z "$words" ] || grep -q -- "$words" err || fail "$* says '$(cat err)', not '$words'"
}

# value NAME: the first member of that name in the JSON of the last command.
value() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" out | head -n 1
}

key=197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61
echo 'a long passphrase' >pass
echo 'another' >wrong
: >empty

expect 2 'timestamp-key' "$muster" repo init models -p pass
expect 2 'timestamp-key' "$muster" repo init models -p pass --timestamp-key abc
expect 1 'key.passphrase' "$muster" repo init models -p empty --timestamp-key $key
rm -rf models
expect 0 'root-safe.key' "$muster" repo init models -p pass --timestamp-key $key
expect 1 'exists' "$muster" repo init models -p pass --timestamp-key $key
[ "$(stat -c %a models/keys/root.key)" = 600 ] || fail "a key file is open to others"
! grep -rq 'a long passphrase' models || fail "the passphrase lies in the repository"

# A foreign format needs no runtime here, so its bytes can be anything.
head -c 5000 /dev/zero >net.onnx
expect 2 'task' "$muster" model publish net.onnx --model m --version 1.0.0 -r models -p pass
expect 2 '--model' "$muster" model publish net.onnx --version 1.0.0 -r models -p pass
expect 1 'wrong passphrase' \
    "$muster" model publish net.onnx --model m --version 1.0.0 --task classify -r models -p wrong
expect 0 '' "$muster" model publish net.onnx --model m --version 1.0.0 --task classify -r models -p pass
[ "$(value seq)" = 1 ] || fail "the first version has seq $(value seq)"
[ "$(value artifact)" = "$(sha256sum <net.onnx | cut -c1-64)" ] || fail "the artifact's digest"
expect 1 'already' "$muster" model publish net.onnx --model m --version 1.0.0 --task classify -r models -p pass
expect 1 'tuf.floor' \
    "$muster" model publish net.onnx --model m --version 1.1.0 --floor 9 --task classify -r models -p pass

# Not a model: refused before anything is signed.
cp net.onnx bad.mnet
expect 1 'mnet.invalid' "$muster" model publish bad.mnet --model m --version 2.0.0 -r models -p pass

expect 0 '' "$muster" repo status -r models
[ "$(value version)" = 1 ] || fail "root is at version $(value version)"
[ "$(grep -c '"role"' out)" = 3 ] || fail "repo status shows not three roles"
[ "$(grep -c '"artifact"' out)" = 1 ] || fail "repo status shows not one artifact"

expect 0 '' "$muster" key list -r models
[ "$(grep -c '"label"' out)" = 4 ] || fail "not four keys"
expect 0 '' "$muster" key export snapshot -r models
[ "$(value label)" = snapshot ] || fail "key export"
expect 1 'not_found' "$muster" key export nobody -r models
expect 1 'not_found' "$muster" key export ../keys/root -r models

expect 0 'would accept' "$muster" repo verify -r models
expect 1 'tuf.expired' "$muster" repo verify -r models --at 2099-01-01T00:00:00Z
expect 0 '' "$muster" repo renew --root --days 3650 -r models -p pass
expect 0 '' "$muster" repo verify -r models --at "$(date -u -d '+9 years' +%Y-%m-%dT%H:%M:%SZ)"
expect 1 'net' "$muster" repo push -r models --server http://127.0.0.1:1

printf x >>"$(find models/targets -name '*.zst')"
expect 1 'tuf.length' "$muster" repo verify -r models
expect 1 'no repository' "$muster" repo status -r nowhere
exit $failed
