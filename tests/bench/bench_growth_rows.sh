#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Insert rate of store and ingest (no HTTP, 100 rows a report, 16 clients, every commit synced) into
# a database of LARGE million rows against one of SMALL million, in turn, so that a busy machine
# slows both; then what a row of table prediction takes, by dbstat. Prints each round and one line
# of JSON. The processor time is steadier than the rate.
#
#   bench_growth_rows.sh [SMALL] [LARGE] [ROUNDS]       5 50 5
. "$(dirname "$0")/lib.sh"
small=${1:-5} large=${2:-50} rounds=${3:-5}
round_reports=5000

words() { sed -n "s/.*$1=\([0-9.]*\).*/\1/p" <<<"$2"; }

# ingest FOLDER REPORTS ROWS
ingest() {
    "$BIN/bench_ingest" "$1" "$2" "$3" 16 2>>"$WORK/ingest.log" || fail "bench_ingest $*"
}

sql() { sqlite3 -readonly "$WORK/$1/muster.db" "$2"; }

say "filling: $small million rows"
ingest "$WORK/large" $((small * 1000)) 1000 >/dev/null
cp -r "$WORK/large" "$WORK/small"
say "filling: $((large - small)) million more"
ingest "$WORK/large" $(((large - small) * 1000)) 1000 >/dev/null
for folder in small large; do
    figure "rows_$folder" "$(sql $folder 'SELECT count(*) FROM prediction')"
done
for round in $(seq 1 "$rounds"); do
    for folder in small large; do
        result=$(ingest "$WORK/$folder" $round_reports 100)
        figure "rate_$folder" "$(words rate "$result")"
        figure "cpu_$folder" "$(words cpu "$result")"
        say "round $round, $folder: $result"
    done
    figure ratio "$(calc "$(tail -n 4 "$WORK/figures" | awk '/^rate_small/ { s = $2 } /^rate_large/ { print $2 "/" s }')")"
done
stats=$(sql large "SELECT pgsize || ' ' || payload || ' ' || unused FROM dbstat('main', 1) WHERE name = 'prediction'")
count=$(sql large 'SELECT count(*) FROM prediction')
read -r page_bytes payload_bytes unused_bytes <<<"$stats"
nulls=$(sql large 'SELECT count(*) FROM (SELECT value, sample FROM prediction LIMIT 100000) WHERE value IS NULL AND sample IS NULL')
[ "$nulls" -eq 100000 ] || fail "the rows have values or samples"
printf '{"bench":"growth rows",%s,"fdatasync_us":%s,"rows_small":%s,"rows_large":%s,"rounds":%s,"rate_small":%s,"rate_large":%s,"ratio":%s,"ratio_lowest":%s,"cpu_s_per_million_small":%s,"cpu_s_per_million_large":%s,"bytes_a_row":%s,"payload_a_row":%s,"unused_a_row":%s}\n' \
    "$(machine_json)" "$(fdatasync_us)" "$(median rows_small)" "$(median rows_large)" "$rounds" \
    "$(median rate_small)" "$(median rate_large)" "$(median ratio)" "$(lowest ratio)" \
    "$(median cpu_small)" "$(median cpu_large)" "$(calc "$page_bytes / $count")" \
    "$(calc "$payload_bytes / $count")" "$(calc "$unused_bytes / $count")"
