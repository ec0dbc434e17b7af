#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_page.sh BIN PICTURES: the dashboard in Debian's Chromium; its files come from a real server,
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
server_stop
