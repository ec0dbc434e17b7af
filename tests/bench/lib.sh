# SPDX-License-Identifier: Apache-2.0
# What the measurements share: sourced, not run.
#   BIN    folder of the programs (environment; build/bin by default)
#   WORK   a temporary folder; removed at exit together with every process started here
#   PIDS   what to kill at exit: add to it
# Results: figures of the rounds are lines in $WORK/figures, written by `figure NAME VALUE`,
# read by `median NAME`.
set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${BIN:-$SOURCE/build/bin}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/muster-bench.XXXXXX")
PIDS=()
SERVER_PID=
export no_proxy=127.0.0.1

say() {
    printf 'bench: %s\n' "$*" >&2
}

fail() {
    say "FAILED $*"
    tail -n 8 "$WORK"/*.log >&2 2>/dev/null || true
    exit 1
}

# end_process PID: politely, waits, and forgets it.
end_process() {
    local pid others=()
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    for pid in "${PIDS[@]}"; do
        [ "$pid" = "$1" ] || others+=("$pid")
    done
    PIDS=("${others[@]}")
}

# Called at exit, before $WORK goes: what else a measurement has to put away.
bench_more_cleanup() { :; }

bench_cleanup() {
    local status=$? pid
    trap '' INT TERM
    for pid in "${PIDS[@]}" $SERVER_PID; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    bench_more_cleanup || true
    [ -n "${MUSTER_KEEP:-}" ] && say "kept: $WORK" || rm -rf "$WORK"
    exit "$status"
}
trap bench_cleanup EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND...: polls until the command succeeds.
until_true() {
    local what=$2 deadline=$((SECONDS + $1))
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "no $what in time"
        sleep 0.1
    done
}

# ---- Figures ----

# field NAME JSON: a number of a flat object.
field() {
    sed -n "s/.*\"$1\":\"\{0,1\}\([-0-9.e+]*\).*/\1/p" <<<"$2"
}

figure() {
    printf '%s %s\n' "$1" "$2" >>"$WORK/figures"
}

# median NAME: of all rounds so far; nothing if there are none.
median() {
    awk -v name="$1" '$1 == name { print $2 }' "$WORK/figures" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# lowest NAME, highest NAME
lowest() {
    awk -v name="$1" '$1 == name { print $2 }' "$WORK/figures" | sort -g | head -n 1
}

highest() {
    awk -v name="$1" '$1 == name { print $2 }' "$WORK/figures" | sort -g | tail -n 1
}

# calc EXPRESSION: awk's arithmetic, 4 digits.
calc() {
    awk "BEGIN { printf \"%.4g\\n\", ($1) }"
}

# count of processors, load, kernel: what the figures were taken on, without its name.
machine_json() {
    printf '"cpus":%s,"cpu":"%s","load_1min":%s' "$(nproc)" \
        "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d' ' -f1 /proc/loadavg)"
}

# fdatasync_us: the median time of fdatasync after 4 KiB were appended, over 200 of them.
fdatasync_us() {
    "$BIN/bench_fdatasync" "$WORK"
}

# process_cpu_s PID: user and system time of it, of every process below it, and of those it waited for.
process_cpu_s() {
    local pid total=0
    for pid in $(process_tree "$1"); do
        total=$((total + $(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ print $12 + $13 + $14 + $15 }' || echo 0)))
    done
    calc "$total / $(getconf CLK_TCK)"
}

process_tree() {
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
        process_tree "$child"
    done
}

process_rss_kb() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# ---- musterd ----

# load MODE [OPTION...]: the load generator against musterd; prints its line of JSON.
load() {
    "$BIN/bench_load" "$1" --to "$ADDRESS" "${@:2}"
}

server_listens() {
    kill -0 "$SERVER_PID" 2>/dev/null || fail "musterd did not start"
    grep -q '^listening on ' "$WORK/server.out"
}

# muster_start [OPTION...]: on $WORK/data; sets ADDRESS and SERVER_PID. A line a request in the
# log is not part of any measurement.
muster_start() {
    : >"$WORK/server.out"
   
    "$BIN/musterd" --data "$WORK/data" --listen 127.0.0.1:0 --log-requests 0 "${MUSTER_OPTIONS[@]}" \
        "$@" >"$WORK/server.out" 2>>"$WORK/server.log" &
    SERVER_PID=$!
    until_true 60 "listening server" server_listens
    ADDRESS=$(sed -n 's/^listening on \(http:\/\/\)\{0,1\}//p' "$WORK/server.out" | head -n 1)
    export MUSTER_SERVER="http://$ADDRESS"
}

muster_stop() {
    kill -TERM "$SERVER_PID"
    wait "$SERVER_PID" || fail "musterd ended with status $?"
    SERVER_PID=
}

# muster_site [NODES]: a fresh data folder with a published and deployed model, and NODES (1,000)
# enrolled nodes in $WORK/fleet; ARTIFACT is what they run. The server is running afterwards.
# All of the load comes from one address, which the limit of an address is not for: it is counted,
# but far away. Every other option is the default.
MUSTER_OPTIONS=(--address-requests-per-s 1000000 --address-burst 10000000)
muster_site() {
    local enrollment
    "$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
    MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
    export MUSTER_TOKEN
    muster_start
    echo 'correct horse battery staple' >"$WORK/passphrase"
    {
        "$BIN/muster" repo init "$WORK/repo" --passphrase-file "$WORK/passphrase" \
            --timestamp-key "$(sed -n 's/^timestamp-key: //p' "$WORK/init.out")" &&
            "$BIN/muster" model import "$SOURCE/examples/fashion/fashion-1.0.0.onnx" -o "$WORK/model.mnet" --name fashion \
                --classes "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot" &&
            "$BIN/muster" model publish "$WORK/model.mnet" --repo "$WORK/repo" --model fashion \
                --version 1.0.0 --passphrase-file "$WORK/passphrase" &&
            "$BIN/muster" model deploy fashion --version 1.0.0
    } >"$WORK/publish.log" 2>&1 || fail "publishing the model"
    ARTIFACT=$(sha256sum "$WORK/model.mnet" | cut -d' ' -f1)
    enrollment=$("$BIN/muster" token create --name bench --max-uses "${1:-1000}" \
        --root "$WORK/repo/root.json" --string 2>"$WORK/token.log") || fail "muster token create"
    load enroll --enrollment "${enrollment%%.*}" --nodes "${1:-1000}" --fleet "$WORK/fleet" >"$WORK/enroll.log" ||
        fail "enrolment"
}

# muster_reports [OPTION...]: reports of the fleet, the server's processor time beside; JSON.
muster_reports() {
    load reports --fleet "$WORK/fleet" --artifact "$ARTIFACT" --server-pid "$SERVER_PID" "$@"
}

# muster_sql STATEMENT: on the live database, read only.
muster_sql() {
    sqlite3 -readonly "$WORK/data/muster.db" "$1"
}
