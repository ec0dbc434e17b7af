#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Damaged databases: refused at the start where the start reads them, otherwise found by the
# background check while the server goes on: readiness is false, the log is loud and says what to
# do, and the recipe of docs/OPERATIONS.md saves what can be read.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
ROWS=50000
QUARTERS=10000
FROM=$(($(date +%s%3N) - 3600000))

"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
sqlite3 "$WORK/data/muster.db" <<SQL
PRAGMA foreign_keys = ON;
INSERT INTO node(name, public_key, state, facts, enrolled_ms) VALUES ('one', randomblob(32), 'active', '{}', 0);
INSERT INTO cohort VALUES (1, zeroblob(32), 'm', 'none', '', '', '', '');
WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < $ROWS / 100 - 1)
INSERT INTO report SELECT ($FROM + i * 10) << 12, 1, 1, 1, i + 1, 100, 0, 0, 0, 1, 0, NULL FROM s;
WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < $ROWS - 1)
INSERT INTO prediction SELECT (($FROM + i / 100 * 10) << 12) + i % 100, 1, 1, i % 10, i % 10000, i, 0, NULL, NULL FROM s;
WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < $QUARTERS - 1)
INSERT INTO latency_quarter SELECT i * 900000, 1, '{"7":[1,7]}' FROM s;
PRAGMA wal_checkpoint(TRUNCATE);
SQL
cp "$WORK/data/muster.db" "$WORK/whole.db"

# page_of TABLE: a leaf in its middle. spoil PAGE: fills it with 0xff.
page_of() {
    sqlite3 "$WORK/whole.db" "SELECT pageno FROM dbstat WHERE name = '$1' AND pagetype = 'leaf'
        ORDER BY path LIMIT 1 OFFSET (SELECT count(*) / 2 FROM dbstat WHERE name = '$1' AND pagetype = 'leaf')"
}
spoil() {
    rm -f "$WORK/data/muster.db"*
    cp "$WORK/whole.db" "$WORK/data/muster.db"
    head -c 4096 /dev/zero | tr '\0' '\377' |
        dd of="$WORK/data/muster.db" bs=4096 seek=$(($1 - 1)) conv=notrunc status=none
}
ready() {
    curl -s -o "$WORK/ready.json" -w '%{http_code}' "$MUSTER_SERVER/readyz"
}
checked() {
    grep -q 'event=database_checked' "$WORK/server.log"
}
# found TABLE: the server starts, and finds the damage by itself.
found() {
    spoil "$(page_of "$1")"
    : >"$WORK/server.log"
    server_start
    until_true 60 "look for damage" checked
    [ "$(ready)" = 503 ] || fail "$1 is damaged and the server says that it is ready"
    grep -q '"database":"failing"' "$WORK/ready.json" || fail "readyz does not say what: $(cat "$WORK/ready.json")"
    [ "$(grep -c 'event=database_damaged' "$WORK/server.log")" = 1 ] || fail "not told once"
    grep 'event=database_damaged' "$WORK/server.log" | grep -q 'level=error.*docs/OPERATIONS.md' || fail "no advice"
    curl -sf "$MUSTER_SERVER/healthz" >/dev/null || fail "the process does not live on"
    server_stop
}

# A whole one is found whole, by a pass of every row.
: >"$WORK/server.log"
server_start
until_true 60 "look for damage" checked
grep 'event=database_checked' "$WORK/server.log" | grep -q 'result=ok' || fail "damage where there is none"
[ "$(sed -n 's/.*event=database_checked.* rows=\([0-9]*\).*/\1/p' "$WORK/server.log")" -ge $((ROWS + ROWS / 100 + QUARTERS)) ] ||
    fail "not every row was read: $(grep database_checked "$WORK/server.log")"
[ "$(ready)" = 200 ] || fail "not ready"
server_stop

found prediction
cp "$WORK/data/muster.db" "$WORK/damaged.db"
found latency_quarter
found report
rows=$(sqlite3 "$WORK/whole.db" "SELECT count(*) FROM prediction")

# The recipe, word by word, in the place where it is to be run.
spoil "$(page_of prediction)"
awk '/^## The database is damaged/ { found = 1 } found && /^```$/ { exit } sh; found && /^```sh$/ { sh = 1 }' \
    "$SOURCE/docs/OPERATIONS.md" >"$WORK/recipe.sh"
grep -q '\.dump' "$WORK/recipe.sh" || fail "docs/OPERATIONS.md has no recipe"
(cd "$WORK/data" && bash "$WORK/recipe.sh") >"$WORK/recipe.out" 2>&1 || fail "the recipe: $(cat "$WORK/recipe.out")"
saved=$(sqlite3 "$WORK/data/muster.db" "SELECT count(*) FROM prediction")
[ $((saved * 100)) -ge $((rows * 99)) ] && [ "$saved" -lt "$rows" ] || fail "$saved of $rows rows were saved"
[ "$(sqlite3 "$WORK/data/muster.db" 'PRAGMA integrity_check')" = ok ] || fail "what was saved is damaged"
: >"$WORK/server.log"
server_start
until_true 60 "look for damage" checked
[ "$(ready)" = 200 ] || fail "the saved database is not ready"
server_stop

# What the start reads: its first page, and a table that it loads.
refused() {
    local status=0
    timeout 60 "$BIN/musterd" --data "$WORK/data" --listen 127.0.0.1:0 >"$WORK/refused.out" 2>"$WORK/refused.log" ||
        status=$?
    [ "$status" = 1 ] || fail "status $status: $(cat "$WORK/refused.log")"
    grep -v '^time=' "$WORK/refused.log" | grep -q 'docs/OPERATIONS.md' || fail "$(cat "$WORK/refused.log")"
    [ "$(grep -vc '^time=' "$WORK/refused.log")" = 1 ] || fail "more than a line: $(cat "$WORK/refused.log")"
}
spoil 1
refused
page=$(sqlite3 "$WORK/whole.db" "SELECT rootpage FROM sqlite_schema WHERE name = 'node'")
spoil "$page"
refused
echo "damage: ok saved=$saved of $rows"
