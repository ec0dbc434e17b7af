#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Downloads of a 5 MB artifact: musterd, which checks a node's token, that the target is listed
# and that the file was verified, against nginx with the same file and sendfile; the same client
# (curl, 8 connections), in turn. What counts is bytes a second and the server's processor time.
#
#   script/bench downloads [ROUNDS] [--install] [--downloads N]
#
#   ROUNDS       5; ratios are the medians of the rounds' ratios
#   --install    first installs nginx (script/setup --bench)
#   --downloads  400 of them a turn
# The table goes to stdout, and one line of JSON behind it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/peers.sh"

ARTIFACT_BYTES=5000000
STREAMS=8
rounds=5
downloads=400
while [ $# -gt 0 ]; do
    case "$1" in
        --install) "$SOURCE/script/setup" --bench >&2 ;;
        --downloads) downloads=$2; shift ;;
        [1-9] | [1-9][0-9]) rounds=$1 ;;
        *) sed -n '7,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

# big_artifact: a file that does not compress, published; sets TARGET, its path on the server.
big_artifact() {
    local digest
    head -c "$ARTIFACT_BYTES" /dev/urandom >"$WORK/big.bin"
    "$BIN/muster" model publish "$WORK/big.bin" --repo "$WORK/repo" --model big --task classify \
        --version 1.0.0 --passphrase-file "$WORK/passphrase" >"$WORK/big.log" 2>&1 || fail "publishing $ARTIFACT_BYTES bytes"
    digest=$(sha256sum "$WORK/big.bin" | cut -d' ' -f1)
    TARGET=/tuf/targets/big/1/$digest.fp32.bin
}

# orders URL: what curl is to do: the same download many times.
orders() {
    local i
    for i in $(seq "$downloads"); do
        printf 'url = "%s"\noutput = "/dev/null"\n' "$1"
    done
}

# cpu_s PID: processor time of it and its children, by the scheduler's own clock: ticks of 10 ms are
# too coarse for what a download costs. Threads that ended are not counted; neither server ends any.
cpu_s() {
    local pid
    for pid in $(process_tree "$1"); do
        cat "/proc/$pid/task/"*/schedstat 2>/dev/null || true
    done | awk '{ n += $1 } END { printf "%.6f\n", n / 1e9 }'
}

# take NAME PID URL: one turn; figures NAME.mb_per_s and NAME.cpu_s_per_gb.
take() {
    local before after cpu started taken bytes
    orders "$3" >"$WORK/orders"
    before=$(cpu_s "$2")
    started=$(date +%s%N)
    curl -s --no-progress-meter --fail --parallel --parallel-max "$STREAMS" -H "Authorization: Bearer $MUSTER_TOKEN" \
        -w '%{size_download}\n' -K "$WORK/orders" >"$WORK/sizes" 2>"$WORK/curl.log" || fail "downloads from $1"
    taken=$(calc "($(date +%s%N) - $started) / 1e9")
    after=$(cpu_s "$2")
    bytes=$(awk '{ n += $1 } END { printf "%.0f", n }' "$WORK/sizes")
    [ "$bytes" = $((downloads * ARTIFACT_BYTES)) ] || fail "$1 sent $bytes bytes"
    cpu=$(calc "($after - $before) / ($bytes / 1e9)")
    LAST_RATE=$(calc "$bytes / 1e6 / $taken")
    LAST_CPU=$cpu
    figure "$1.mb_per_s" "$LAST_RATE"
    figure "$1.cpu_s_per_gb" "$cpu"
    say "$1: $LAST_RATE MB/s, $cpu s of processor time per GB"
}

one_round() {
    local name order="muster nginx"
    declare -A rate=() cpu=()
    [ $(($1 % 2)) -eq 1 ] || order="nginx muster"
    for name in $order; do
        if [ "$name" = muster ]; then
            take muster "$SERVER_PID" "$MUSTER_SERVER$TARGET"
        else
            take nginx "$NGINX_PID" "http://127.0.0.1:$NGINX_PORT$TARGET"
        fi
        rate[$name]=$LAST_RATE
        cpu[$name]=$LAST_CPU
    done
    figure rate_ratio "$(calc "${rate[muster]} / ${rate[nginx]}")"
    figure cpu_ratio "$(calc "${cpu[muster]} / ${cpu[nginx]}")"
}

muster_site 1
big_artifact
mkdir -p "$WORK/nginx/root$(dirname "$TARGET")"
cp "$WORK/big.bin" "$WORK/nginx/root$TARGET"
nginx_up 2 "$TARGET"
until_true 60 "first check of the database" grep -q event=database_checked "$WORK/server.log"
for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    one_round "$round"
done

printf '%-28s %12s %16s\n' "" "MB/s" "CPU s per GB"
for name in muster nginx; do
    printf '%-28s %12.0f %16.3f\n' "$name" "$(median $name.mb_per_s)" "$(median $name.cpu_s_per_gb)"
done
echo "muster is x nginx: $(median rate_ratio) in bytes a second, $(median cpu_ratio) in processor time a byte"
printf '{"bench":"downloads","rounds":%s,%s,"bytes":%s,"connections":%s,"muster_mb_per_s":%s,"nginx_mb_per_s":%s,"rate_ratio":%s,"muster_cpu_s_per_gb":%s,"nginx_cpu_s_per_gb":%s,"cpu_ratio":%s}\n' \
    "$rounds" "$(machine_json)" "$ARTIFACT_BYTES" "$STREAMS" "$(median muster.mb_per_s)" "$(median nginx.mb_per_s)" \
    "$(median rate_ratio)" "$(median muster.cpu_s_per_gb)" "$(median nginx.cpu_s_per_gb)" "$(median cpu_ratio)"
end_process "$NGINX_PID"
muster_stop
