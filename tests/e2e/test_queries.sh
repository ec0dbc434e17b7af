#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every statement of docs/queries.md and compares its query plan with the one stated
# below it; checks that `.schema` is commented and docs/SCHEMA.md complete. The database is
# the one that MUSTER_DEMO_DB names (the demo leaves one), else one that this test fills,
# in which every statement but the last check of "Is everything there" must find something.
#
#   --write   puts the plans of today into docs/queries.md instead
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cookbook=$top/docs/queries.md
failed=0

fail() {
    echo "$*"
    failed=1
}

# A small fleet: two published versions and one unknown artifact, three nodes, two hours.
fill() {
    {
        echo 'CREATE TABLE migration( -- which files of migrations/ were applied
            number INTEGER PRIMARY KEY, name TEXT, sha256 BLOB, applied_ms INTEGER) STRICT;'
        cat "$top"/migrations/*.sql
        cat "$top/tests/e2e/queries_fill.sql"
    } | sqlite3 -bail "$1" > /dev/null
}

# Statement n goes to n.sql, its plan to n.plan.
split() {
    awk -v dir="$tmp" '
        /^```sql$/ { n++; out = dir "/" n ".sql"; next }
        /^```plan$/ { out = dir "/" n ".plan"; next }
        /^```$/ { if (out) close(out); out = ""; next }
        out { print > out }
        END { print n }' "$cookbook"
}

# The plan as plain lines; numbers of subqueries say nothing.
plan_of() {
    { printf 'EXPLAIN QUERY PLAN '; cat "$1"; } | sqlite3 -readonly "$database" |
        sed -e '/^QUERY PLAN$/d' -e 's/^[ |`]*-*//' -e 's/SUBQUERY [0-9]*/SUBQUERY/' \
            -e 's/(subquery-[0-9]*)/(subquery)/'
}

write_plans() {
    awk -v dir="$tmp" '
        /^```plan$/ { skip = 1; next }
        skip { if (/^```$/) skip = 0; next }
        { print }
        /^```sql$/ { sql = 1; n++ }
        sql && /^```$/ {
            sql = 0
            print "```plan"
            while ((getline line < (dir "/" n ".now")) > 0) print line
            print "```"
        }' "$cookbook" > "$tmp/new.md"
    cp "$tmp/new.md" "$cookbook"
}

check_statement() {
    local n=$1
    sqlite3 -readonly -bail "$database" < "$tmp/$n.sql" > "$tmp/$n.out" 2> "$tmp/$n.err" ||
        fail "statement $n failed: $(cat "$tmp/$n.err"): $(head -c 200 "$tmp/$n.sql")"
    plan_of "$tmp/$n.sql" > "$tmp/$n.now"
    if [ "$write" = 0 ] && ! diff -u "$tmp/$n.plan" "$tmp/$n.now" > "$tmp/diff" 2>&1; then
        fail "the plan of statement $n is another one: $(head -c 200 "$tmp/$n.sql")"
        cat "$tmp/diff"
    fi
    if [ "$filled" = 1 ] && [ ! -s "$tmp/$n.out" ] && ! grep -q in_rollup "$tmp/$n.sql"; then
        fail "statement $n finds nothing: $(head -c 200 "$tmp/$n.sql")"
    fi
    if [ -s "$tmp/$n.out" ] && grep -q in_rollup "$tmp/$n.sql"; then
        fail "rollups and rows disagree: $(head -3 "$tmp/$n.out")"
    fi
}

check_documents() {
    local name
    for name in $(sqlite3 -readonly "$database" "SELECT name FROM sqlite_schema
            WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"); do
        sqlite3 -readonly "$database" "SELECT sql FROM sqlite_schema WHERE name = '$name'" |
            grep -q -- '--' || fail "$name has no comment in .schema"
        grep -q "\`$name\`" "$top/docs/SCHEMA.md" || fail "docs/SCHEMA.md leaves out $name"
    done
}

write=0
filled=0
[ "${1:-}" != --write ] || write=1
database=${MUSTER_DEMO_DB:-}
if [ -z "$database" ]; then
    database=$tmp/filled.db
    fill "$database"
    filled=1
fi
count=$(split)
[ "$count" -gt 20 ] || fail "only $count statements in docs/queries.md"
for n in $(seq 1 "$count"); do
    check_statement "$n"
done
if [ "$write" = 1 ]; then
    write_plans
fi
check_documents
[ "$failed" = 0 ] && echo "queries: $count statements ok"
exit "$failed"
