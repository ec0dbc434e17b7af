#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node's recovery from its command line: another root, asked for and confirmed, and the way
# back. No server and no agent run.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
agent=$BIN/muster-agent

# exits CODE COMMAND...: the command's exit status is CODE; what it wrote is left in $WORK/out.
exits() {
    local wanted=$1 code=0
    shift
    "$@" >"$WORK/out" 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit status $code instead of $wanted: $*: $(cat "$WORK/out")"
}

# has TEXT: what the last command wrote has it.
has() {
    grep -qF -- "$1" "$WORK/out" || fail "no '$1' in: $(cat "$WORK/out")"
}

NEW=$SOURCE/tests/vectors/tuf/golden/1.root.json
echo '{}' >"$WORK/old.json"
cp "$WORK/old.json" "$WORK/root.json"
STATE=$WORK/state
trust=("$agent" trust "$NEW" --state "$STATE" --root "$WORK/root.json")

exits 0 "$agent" --help
has 'muster-agent rollback | trust ROOT'
exits 0 "$agent" trust --help
has 'last resort'
exits 0 "$agent" rollback --help
exits 2 "$agent" trust --state "$STATE" --root "$WORK/root.json"
has 'the new ROOT is missing'
exits 2 "$agent" trust "$NEW" --root "$WORK/root.json"
has '--state is missing'
exits 2 "$agent" trust "$NEW" --state "$STATE"
has '--root is missing'
exits 2 "$agent" trust "$NEW" --state "$STATE" --rot "$WORK/root.json"

# Whoever does not say yes changes nothing.
exits 1 "${trust[@]}" < <(echo n)
has 'trusted   none: '
has 'new       root 1, 1 of 1 keys, expires '
has 'key comes '
has 'floors    none — kept'
has 'nothing was changed'
exits 1 "${trust[@]}" </dev/null
cmp -s "$WORK/root.json" "$WORK/old.json" || fail "the root was replaced without a yes"

# Nor does a run while an agent holds the state, or with a root that is none.
exits 1 flock "$STATE/lock" "${trust[@]}" --yes
has 'busy: another client holds the state folder'
sed 's/"version": *1/"version":2/' "$NEW" >"$WORK/forged.json"
exits 1 "$agent" trust "$WORK/forged.json" --state "$STATE" --root "$WORK/root.json" --yes
has 'tuf.no_trust'
cmp -s "$WORK/root.json" "$WORK/old.json" || fail "the root was replaced all the same"

exits 0 "${trust[@]}" < <(echo y)
has 'done: start the agent'
cmp -s "$WORK/root.json" "$NEW" || fail "the root was not replaced"
exits 0 "${trust[@]}" --yes --reset-floors
has 'trusted   root 1, 1 of 1 keys, expires '
has 'key stays '
has 'floors    none — forgotten'

exits 1 "$agent" rollback --state "$STATE"
has 'not_found: no earlier artifact of the model is kept'
exits 2 "$agent" rollback
echo "trust: ok"
