#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_page.sh BIN PICTURES: the dashboard in Chromium, over a fleet that stands still and a live one; its files come from a real server,
# pictures go into a folder. Exit status 77 (skipped) where the server was built without it, or
# there is no browser.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/../e2e/lib.sh"
pictures=${2:-$WORK/pictures}
mkdir -p "$pictures"

if ! command -v node >/dev/null || [ ! -x "${CHROMIUM:=/usr/bin/chromium}" ] ||
    [ ! -d "$SOURCE/tests/node_modules/playwright-core" ]; then
    echo "no node, Chromium or playwright-core (script/setup --all)"
    exit 77
fi
export CHROMIUM HOME=$WORK TMPDIR=$WORK
fleet_init
if ! curl -fsS "$MUSTER_SERVER/" | grep -q '/static/app-'; then
    echo "this server was built without its dashboard (script/setup)"
    exit 77
fi
curl -fsS "$MUSTER_SERVER/static/THIRD-PARTY.txt" | grep -q 'preact .*(MIT)' || fail "no licences"
node "$SOURCE/tests/page/test_page.mjs" "$MUSTER_SERVER" "$pictures" || fail "the page"

# A live fleet: one node, then another while the page is open.
agent_reports() {
    TOKEN=$(fleet_token 1)
    agent_start "$1" --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:200 --until-done --rate 0 --poll-s 5
    wait "$AGENT_PID" || fail "the agent $1"
}
fleet_publish 1.0.0
fleet_deploy 1.0.0
agent_reports first
mkfifo "$WORK/live.in"
node "$SOURCE/tests/page/test_live.mjs" "$MUSTER_SERVER" "$pictures" "$WORK/data/muster.db" \
    <"$WORK/live.in" >"$WORK/live.out" 2>"$WORK/live.log" &
live=$!
PIDS+=("$live")
exec 3>"$WORK/live.in"
page_is_settled() {
    kill -0 "$live" 2>/dev/null || fail "the live page"
    grep -q settled "$WORK/live.out"
}
until_true 300 "page of a live fleet" page_is_settled
agent_reports second
echo go >&3
exec 3>&-
wait "$live" || fail "the live page"
server_stop
