#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cuts the power (MUSTER_CUTS times, 3) below a musterd that nodes report to: its ext4 file
# system, a loop mount, is shut down without writing its journal, and mounted again. After each
# cut everything acknowledged must be there, once, with rollups that equal the rows.
#
# The same with synchronous=NORMAL, which shim_normal makes of musterd's FULL, must lose
# something: otherwise this test could not see a loss.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
CUTS=${MUSTER_CUTS:-3}
DISK=$WORK/disk

skip() {
    echo "skipped: $*"
    exit 77
}

power_cleanup() {
    cleanup_processes
    mountpoint -q "$DISK" && umount -l "$DISK"
    cleanup_files
}
trap power_cleanup EXIT

# One file system with a database below it; $WORK/data is on it.
disk_make() {
    mkdir -p "$DISK"
    truncate -s 600M "$WORK/image"
    mkfs.ext4 -q -F "$WORK/image" || return 1
    disk_mount
}
disk_mount() {
    mount -o loop,noatime "$WORK/image" "$DISK" 2>"$WORK/mount.log"
}

[ "$(id -u)" -eq 0 ] || skip "cutting the power needs root"
command -v mkfs.ext4 >/dev/null || skip "no mkfs.ext4"
disk_make || skip "no loop mount: $(cat "$WORK/mount.log")"

# power_run NAME CUTS: prints "NAME cuts=… acked=… lost=…"; a loss is a failure unless NAME is normal.
power_run() {
    local name=$1 cuts=$2 cut result lost=0 missing
    rm -rf "$DISK/data" "$WORK/data"
    rm -f "$WORK"/*.ack
    unset RAW_TOKEN
    ln -sfn "$DISK/data" "$WORK/data"
    "$BIN/musterd" init --data "$DISK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
    MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
    export MUSTER_TOKEN
    sync -f "$DISK"
    server_start --log-requests=0
    reporter_start load --nodes 8 --rows 50 --pause-ms 2
    until_true 60 "acknowledgements" test -s "$WORK/load.ack"
    for cut in $(seq "$cuts"); do
        sleep "0.$((RANDOM % 9 + 3))"
        "$TOOLS/godown" "$DISK" || fail "godown"
        server_kill
        until_true 20 "unmounting" umount "$DISK"
        disk_mount || fail "mount: $(cat "$WORK/mount.log")"
        # The copy is judged: what sqlite3 does on opening must not help the server.
        rm -rf "$WORK/judged"
        mkdir "$WORK/judged"
        cp "$DISK"/data/muster.db "$DISK"/data/muster.db-wal "$WORK/judged/"
        result=$(judge "$WORK/judged/muster.db") || fail "cut $cut: sqlite3 could not judge"
        missing=$(sed -n 's/^missing|//p' <<<"$result")
        lost=$((lost + missing))
        if [ "$name" != normal ]; then
            judged_well "$result" || fail "cut $cut: $(tr '\n' ' ' <<<"$result")"
        elif [ "$missing" -gt 0 ]; then
            break # it saw a loss: all that is asked of it
        fi
        server_start --log-requests=0
        acked=$(wc -l <"$WORK/load.ack")
        until_true 60 "acknowledgements after a cut" reporter_has_acks "$acked"
    done
    if [ "$name" = normal ]; then
        kill -9 "$REPORTER_PID" $SERVER_PID
        wait "$REPORTER_PID" $SERVER_PID 2>/dev/null || true
    else
        reporter_stop
        server_stop
        acks_hold >"$WORK/judgement" || exit 1
        cat "$WORK/load.counts"
    fi
    PIDS=()
    SERVER_PID=
    LOST=$lost
    echo "power: $name cuts=$cut acked=$(wc -l <"$WORK/load.ack") lost=$lost"
}

power_run full "$CUTS"
SERVER_WRAP=(env LD_PRELOAD="$TOOLS/shim_normal.so")
power_run normal 10
grep -q 'shim_normal: synchronous=NORMAL' "$WORK/server.log" || fail "musterd did not run with NORMAL"
[ "$LOST" -gt 0 ] || fail "NORMAL lost nothing in 10 cuts: this test is blind"
echo "power: ok cuts=$CUTS lost=0, and NORMAL lost $LOST of its acknowledged reports"
