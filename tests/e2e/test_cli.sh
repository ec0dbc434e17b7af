#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line against a real server with one node: every remote subcommand, its JSON, its
# table and its exit code.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
muster=$BIN/muster

# exits CODE COMMAND...: the command's exit status is CODE; its stdout is left in $WORK/stdout.
exits() {
    local wanted=$1 code=0
    shift
    "$@" >"$WORK/stdout" 2>"$WORK/cli.log" || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit status $code instead of $wanted: $*"
}

# has TEXT: stdout has it.
has() {
    grep -qF -- "$1" "$WORK/stdout" || fail "no '$1' in: $(head -c 600 "$WORK/stdout")"
}

fleet_init
exits 0 "$muster" server status --table
has 'ready'
exits 1 "$muster" node list --server http://127.0.0.1:1
grep -q 'is musterd running there' "$WORK/cli.log" || fail "a server that is not there: no advice"
exits 2 "$muster" model detail
grep -q 'MODEL is missing' "$WORK/cli.log" || fail "the operand that is missing is not named"
exits 3 env MUSTER_TOKEN=mat_wrong "$muster" node list
[ ! -s "$WORK/stdout" ] || fail "an error wrote to stdout"
grep -q '401 auth.required' "$WORK/cli.log" || fail "the refusal does not name its code"

# API tokens and roles
exits 0 "$muster" token create-api --name eyes --role viewer --string
VIEWER=$(cat "$WORK/stdout")
exits 0 env MUSTER_TOKEN="$VIEWER" "$muster" node list
has '[]'
exits 3 env MUSTER_TOKEN="$VIEWER" "$muster" token create --name no
grep -q '403 auth.forbidden' "$WORK/cli.log" || fail "a viewer made a token"
exits 0 "$muster" token list-api --table
has 'eyes'
eyes=$("$muster" token list-api --json | jq -r '.[] | select(.name == "eyes") | .id')
exits 0 "$muster" token revoke-api "$eyes"
exits 3 env MUSTER_TOKEN="$VIEWER" "$muster" node list

# enrolment tokens
exits 0 "$muster" token create --name one --label site=lyon --max-uses 3 --root "$ROOT" --string
TOKEN=$(cat "$WORK/stdout")
[ "${TOKEN#*.}" = "$(sha256sum <"$ROOT" | cut -d ' ' -f 1)" ] || fail "not the digest of the root"
exits 0 "$muster" token create --name spare --json
spare=$(jq -r .id "$WORK/stdout")
exits 0 "$muster" token revoke "$spare"
exits 0 "$muster" token list --table
has 'spare'
exits 3 "$muster" token create --name none --max-uses 0
exits 2 "$muster" token create --max-uses 3
exits 2 "$muster" token create-api --role viewer
before=$("$muster" token list --json | jq length)
exits 1 "$muster" token create --name wrong --root "$WORK/repo/keys/root.key"
grep -q 'is no root.json' "$WORK/cli.log" || fail "a file that is no root was taken for one"
[ "$("$muster" token list --json | jq length)" = "$before" ] || fail "a refused root left a token"

# a version, a node
fleet_publish 1.0.0
exits 0 "$muster" model list --table
has 'fashion'
exits 0 "$muster" model versions fashion --json
[ "$(jq -r '.versions[0].version' "$WORK/stdout")" = 1.0.0 ] || fail "version 1.0.0 is not listed"
exits 3 "$muster" model versions nothing
exits 0 "$muster" model detail fashion --table
has "auto"
exits 0 "$muster" model detail fashion --mode sampled --every 20 --json
[ "$(jq -c .now "$WORK/stdout")" = '{"mode":"sampled","every":20,"interval_s":60}' ] || fail "no sampling"
exits 0 "$muster" model detail fashion --rows-per-day 5 --json
[ "$(jq -r .mode,.rows_per_day "$WORK/stdout" | tr "\n" " ")" = "sampled 5 " ] || fail "an option changed another"
exits 3 "$muster" model detail fashion --mode some
exits 3 "$muster" model detail nothing
exits 0 "$muster" model detail fashion --mode full
exits 3 "$muster" model deploy fashion --version 9.9.9
exits 3 "$muster" model deploy fashion --version 1.0.0 --selector 'site='
exits 0 "$muster" model deploy fashion --version 1.0.0 --selector site=lyon --json
deployment=$(jq -r .id "$WORK/stdout")
agent_start camera-1 --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:200 --rate 0 \
    --once-per-version --poll-s 5
reported() {
    [ "$("$muster" node list --json | jq '[.[].predictions] | add')" = 200 ]
}
until_true 60 "200 predictions of camera-1" reported

exits 0 "$muster" node list --selector 'site=lyon,name in (camera-1)' --table
has 'camera-1'
has '1.0.0'
exits 0 "$muster" node list --selector site=paris --json
has '[]'
exits 3 "$muster" node list --selector 'site==='
exits 0 "$muster" node list --json
node=$(jq -r '.[0].id' "$WORK/stdout")
exits 0 "$muster" node show "$node" --table
has 'site=lyon'
exits 3 "$muster" node show 999999
exits 2 "$muster" node show x
exits 0 "$muster" node label "$node" site=paris line=3 --json
[ "$(jq -r '.labels.site + .labels.line' "$WORK/stdout")" = paris3 ] || fail "labels are not set"
exits 0 "$muster" node label "$node" line- --json
[ "$(jq -r '.labels | has("line")' "$WORK/stdout")" = false ] || fail "the label is not removed"

# what the predictions say
exits 0 "$muster" query volume --json
[ "$(jq .total "$WORK/stdout")" = 200 ] || fail "query volume: $(cat "$WORK/stdout")"
exits 0 "$muster" query classes --by-version --json
[ "$(jq '[.groups[].total] | add' "$WORK/stdout")" = 200 ] || fail "query classes --by-version"
exits 0 "$muster" query confidence --model fashion --json
[ "$(jq '.n | add' "$WORK/stdout")" = 200 ] || fail "query confidence"
exits 0 "$muster" query latency --version 1.0.0 --table
has 'P50 us'
exits 0 "$muster" query volume --last-s 600 --step-s 60 --table
has 'PREDICTIONS'
exits 3 "$muster" query volume --from 0 --step-s 60
exits 2 "$muster" query volume --from yesterday

# a model of a team's own: signed by its key, pushed with the delegation, run by the node, which
# takes the difference to the version that it has: 100 weights are 0 now
cp "$SOURCE/examples/fashion/fashion-1.0.0.onnx" "$WORK/tuned.onnx"
head -c 400 /dev/zero | dd of="$WORK/tuned.onnx" bs=1 conv=notrunc status=none \
    seek=$(($(stat -c %s "$WORK/tuned.onnx") / 2))
exits 0 "$muster" model import "$WORK/tuned.onnx" -o "$WORK/1.1.0.mnet"
export MUSTER_REPO=$WORK/repo MUSTER_PASSPHRASE
MUSTER_PASSPHRASE=$(cat "$WORK/passphrase")
exits 0 "$muster" key new "$WORK/team.key"
exits 0 "$muster" repo delegate fashion --key "$WORK/team.key"
fleet_publish 1.1.0 --key "$WORK/team.key"
exits 0 "$muster" repo status --json
[ "$(jq -c '[.artifacts[].listed_by]' "$WORK/stdout")" = '["targets","fashion"]' ] ||
    fail "not listed by targets and team: $(cat "$WORK/stdout")"
exits 0 "$muster" model deploy fashion --version 1.1.0 --json
ran_both() {
    [ "$("$muster" node list --json | jq '[.[].predictions] | add')" = 400 ]
}
until_true 120 "200 predictions of the team's version" ran_both
grep -q 'event=model .*came_as=zst' "$WORK/camera-1.log" || fail "1.0.0 did not come compressed"
bytes=$(sed -n 's/.*event=model .*version=1.1.0 .*came_as=delta bytes=//p' "$WORK/camera-1.log")
[ "${bytes:-0}" -gt 0 ] && [ "$bytes" -lt 2000 ] || fail "1.1.0 did not come as a short delta: $bytes bytes"
exits 0 "$muster" model remove fashion 1.0.0
exits 0 "$muster" repo push --all
exits 0 "$muster" model versions fashion --json
[ "$(jq -c '[.versions[] | select(.listed != false) | .version]' "$WORK/stdout")" = '["1.1.0"]' ] ||
    fail "a removed version is still listed: $(cat "$WORK/stdout")"

# ends
exits 0 "$muster" deployment list --table
has 'site=lyon'
exits 0 "$muster" deployment remove "$deployment"
exits 3 "$muster" deployment remove "$deployment"
exits 0 "$muster" node revoke "$node"
exits 0 "$muster" node list --state revoked --json
[ "$(jq length "$WORK/stdout")" = 1 ] || fail "the node is not revoked"
server_stop
exits 1 "$muster" server status
echo "cli: ok"
