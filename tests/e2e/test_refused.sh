#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A data directory that cannot be used: the exit status is not 0, and one line says why. (Ports,
# options, missing directories and a second server: tests/api/test_musterd.c.)
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"

"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
# root may write everywhere: the program runs without the right to pass over permissions.
plainly=()
if [ "$(id -u)" = 0 ]; then
    plainly=(setpriv --bounding-set=-dac_override,-dac_read_search)
fi

refuses() { # TEXT FOLDER
    local status=0
    timeout 60 "${plainly[@]}" "$BIN/musterd" --data "$2" --listen 127.0.0.1:0 --log-level error \
        >"$WORK/refused.out" 2>"$WORK/refused.log" || status=$?
    [ "$status" = 1 ] || fail "$1: status $status: $(cat "$WORK/refused.log")"
    grep -qF -- "$1" "$WORK/refused.log" || fail "no '$1': $(cat "$WORK/refused.log")"
    [ "$(wc -l <"$WORK/refused.log")" = 1 ] || fail "more than a line: $(cat "$WORK/refused.log")"
    [ ! -s "$WORK/refused.out" ] || fail "it says on stdout that it serves"
}

chmod 500 "$WORK/data"
rm -f "$WORK/data/muster.lock"
refuses "Permission denied" "$WORK/data"
chmod 700 "$WORK/data"
chmod 400 "$WORK/data/muster.db"
refuses "cannot be written to" "$WORK/data"
chmod 000 "$WORK/data/muster.db"
refuses "unable to open" "$WORK/data"
chmod 600 "$WORK/data/muster.db"
chmod 000 "$WORK/data/keys/session.key"
refuses "Permission denied" "$WORK/data"
rm -f "$WORK/data/keys/session.key"
refuses "session.key" "$WORK/data"
sqlite3 "$WORK/data/muster.db" "INSERT INTO migration VALUES (9999, 'later', zeroblob(32), 0)"
chmod 666 "$WORK/data"/muster.db*
refuses "the database has migration 9999, this program knows up to" "$WORK/data"
echo "refused: ok"
