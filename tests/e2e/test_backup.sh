#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Backups (MUSTER_BACKUPS of them, 3) while a fleet reports: each is whole and has everything that
# was acknowledged before it began. Then: what kill -9 leaves, what damage does, backups without
# keys, and a data directory made of one.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
BACKUPS=${MUSTER_BACKUPS:-3}
AGENTS=2

refuses() { # TEXT ARGUMENT...: musterd fails, with one line that has the text
    local text=$1
    shift
    "$BIN/musterd" "$@" >"$WORK/refused.out" 2>"$WORK/refused.log" && fail "musterd $* went through"
    grep -qF -- "$text" "$WORK/refused.log" || fail "musterd $*: no '$text': $(cat "$WORK/refused.log")"
    [ "$(wc -l <"$WORK/refused.log")" = 1 ] || fail "musterd $*: more than a line"
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
fleet_deploy 1.0.0
TOKEN=$(fleet_token $AGENTS)
for i in $(seq $AGENTS); do
    agent_start "node-$i" --source "$DATASET/t10k-images-idx3-ubyte.gz" --stride "$((i - 1))/$AGENTS" \
        --rate 200 --poll-s 5
done
has_acks() {
    [ "$(cat "$WORK"/*.ack 2>/dev/null | wc -l)" -gt "$1" ]
}
"$BIN/musterd" backup-key "$WORK/key" >"$WORK/recipient" || fail "musterd backup-key"
recipient=$(sed 's/^recipient: //' "$WORK/recipient")
refuses "exists already" backup-key "$WORK/key"
refuses "wants the 64 hex digits" backup --data "$WORK/data" --to "$WORK/x" --recipient nobody
refuses "there is no database" backup --data "$WORK/nothing" --to "$WORK/x"

# Under load, one after the other; artifacts are shared with the backup before.
missing() { # BACKUP: acknowledged before it, and not in it
    sqlite3 -readonly "$WORK/$1/muster.db" <<SQL
CREATE TEMP TABLE ack(node INTEGER, stream INTEGER, seq INTEGER, rows INTEGER, first_id INTEGER, duplicate INTEGER);
.separator ' '
.import '$WORK/before.acks' ack
SELECT count(*) FROM ack a WHERE NOT EXISTS (SELECT 1 FROM report r WHERE r.node_id = a.node AND r.stream = a.stream
  AND r.seq = a.seq AND r.rows = a.rows AND r.first_id = a.first_id)
  OR (SELECT count(*) FROM prediction WHERE id BETWEEN a.first_id AND a.first_id + a.rows - 1) <> a.rows;
SQL
}
judge() { # BACKUP: rows and rollups of the copy agree
    sqlite3 -readonly "$WORK/$1/muster.db" "SELECT (SELECT count(*) FROM prediction) + (SELECT coalesce(sum(n - rows), 0) FROM summary)
        - (SELECT sum(n) FROM class_quarter),
        (SELECT count(*) FROM prediction) - (SELECT sum(rows) FROM report)"
}
acked=0
for n in $(seq "$BACKUPS"); do
    until_true 60 "acknowledgements" has_acks "$acked"
    cat "$WORK"/*.ack >"$WORK/before.acks"
    acked=$(wc -l <"$WORK/before.acks")
    previous=()
    [ "$n" = 1 ] || previous=(--previous "$WORK/backup-$((n - 1))")
    "$BIN/musterd" backup --data "$WORK/data" --to "$WORK/backup-$n" --recipient "$recipient" "${previous[@]}" \
        >"$WORK/backup.out" 2>"$WORK/backup.log" || fail "backup $n"
    "$BIN/musterd" verify-backup "$WORK/backup-$n" --key "$WORK/key" >"$WORK/verify.out" 2>"$WORK/verify.log" ||
        fail "verify-backup $n"
    [ "$(missing "backup-$n")" = 0 ] || fail "backup $n lacks what was acknowledged before it"
    [ "$(judge "backup-$n")" = "0|0" ] || fail "backup $n: rollups and rows disagree: $(judge "backup-$n")"
    [ "$n" -lt 3 ] || rm -rf "$WORK/backup-$((n - 2))"
done
grep -q '^shared-bytes: [1-9]' "$WORK/backup.out" || [ "$BACKUPS" = 1 ] || fail "no artifact was shared"
last=$WORK/backup-$BACKUPS
refuses "exists already" backup --data "$WORK/data" --to "$last"
refuses "exists already" backup --data "$WORK/data" --to "$last/"
refuses "lies within the data directory" backup --data "$WORK/data" --to "$WORK/data/tuf/new"
refuses "no earlier backup" backup --data "$WORK/data" --to "$WORK/x" --previous "$WORK/nothing"
refuses "is no backup" verify-backup "$WORK"
refuses "not both" restore --from "$last" --data "$WORK/y" --new-keys --key "$WORK/key"
refuses "lies within the backup" restore --from "$last" --data "$last/new" --new-keys

# kill -9 at any moment leaves no half backup under the final name, and hinders no later one.
killed=0
for n in $(seq 12); do
    "$BIN/musterd" backup --data "$WORK/data" --to "$WORK/cut" >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 9))"
    kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
    wait "$pid" 2>/dev/null || true
    [ ! -e "$WORK/cut" ] || "$BIN/musterd" verify-backup "$WORK/cut" >/dev/null 2>"$WORK/verify.log" ||
        fail "half a backup has the final name"
    rm -rf "$WORK/cut"
done
[ "$killed" -gt 0 ] || fail "no backup was interrupted: the test saw nothing"
"$BIN/musterd" backup --data "$WORK/data" --to "$WORK/cut" >"$WORK/backup.out" 2>"$WORK/backup.log" ||
    fail "backup after interrupted ones"
grep -q 'keys are NOT in this backup' "$WORK/backup.log" || fail "a backup without keys does not say so"
[ ! -e "$WORK/cut.partial" ] || fail "the partial folder stays"
[ ! -e "$WORK/cut/keys.sealed" ] || fail "keys without a recipient"

for pid in "${PIDS[@]}"; do
    kill -TERM "$pid"
    wait "$pid" || fail "an agent ended with status $?"
done
PIDS=()
server_stop

# Damage of any kind is found, by verify-backup and before anything is restored.
damaged() { # NAME TEXT: spoils a copy as the caller's function says
    rm -rf "$WORK/spoilt"
    cp -r "$last" "$WORK/spoilt"
    "spoil_$1"
    refuses "$2" verify-backup "$WORK/spoilt"
    refuses "$2" restore --from "$WORK/spoilt" --data "$WORK/new" --key "$WORK/key"
    [ ! -e "$WORK/new" ] || fail "a refused restore leaves something"
}
artifact=$(cd "$last" && find tuf/targets -type f | head -n 1)
spoil_page() { printf 'x' | dd of="$WORK/spoilt/muster.db" bs=1 seek=50000 conv=notrunc status=none; }
spoil_cut() { truncate -s -1 "$WORK/spoilt/$artifact"; }
spoil_gone() { rm "$WORK/spoilt/$artifact"; }
spoil_manifest() { sed -i 's/"format": 1/"format": 99/' "$WORK/spoilt/MANIFEST.json"; }
spoil_path() { sed -i 's#"path": "keys.sealed"#"path": "../keys.sealed"#' "$WORK/spoilt/MANIFEST.json"; }
spoil_unlisted() { # the manifest agrees, but an artifact that is published is not there
    rm "$WORK/spoilt/$artifact"
    tr -d '\n' <"$last/MANIFEST.json" | sed "s#{ *\"path\": \"$artifact\"[^}]*}, *##" >"$WORK/spoilt/MANIFEST.json"
}
damaged page "muster.db' is damaged"
damaged cut "is damaged"
damaged gone "is missing"
damaged manifest "format 99"
damaged path "form of a backup's manifest"
damaged unlisted "listed but not in the backup"
refuses "is no backup" verify-backup "$WORK/nothing"
"$BIN/musterd" backup-key "$WORK/other" >/dev/null
refuses "does not open" verify-backup "$last" --key "$WORK/other"
refuses "is not an empty folder" restore --from "$last" --data "$WORK/data" --key "$WORK/key"
refuses "no keys in the backup" restore --from "$WORK/cut" --data "$WORK/new"

# Without the old keys: a new admin token, everything that was reported, and nothing published.
"$BIN/musterd" restore --from "$WORK/cut" --data "$WORK/new" --new-keys >"$WORK/new.out" 2>"$WORK/new.log" ||
    fail "restore --new-keys"
mv "$WORK/data" "$WORK/old"
mv "$WORK/new" "$WORK/data"
server_start
"$BIN/muster" node list >/dev/null 2>&1 && fail "a token of before is good although the keys are new"
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/new.out")
[ "$("$BIN/muster" node list --json | grep -o '"name"' | wc -l)" = $AGENTS ] || fail "the new admin token"
server_stop
echo "backup: ok backups=$BACKUPS killed=$killed"
