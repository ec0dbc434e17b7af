#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A TUF client that knows nothing of muster refreshes and downloads from a live server, and so
# does one behind an ordinary HTTP cache: nginx as docs/OPERATIONS.md configures it.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
command -v nginx >/dev/null || { echo "there is no nginx: not tried"; exit 77; }

MIRROR=http://127.0.0.1
CLIENT=$BIN/muster-tuf-conformance

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# The configuration of docs/OPERATIONS.md, with our folders and ports.
mirror_start() {
    local port folder=$WORK/mirror
    port=$(free_port)
    mkdir -p "$folder"
    {
        echo "daemon off; pid $folder/pid; error_log $folder/error.log; worker_processes 1;"
        [ "$(id -u)" -ne 0 ] || echo 'user root;'
        echo 'events {} http { access_log off;'
        for name in client_body proxy fastcgi uwsgi scgi; do
            echo "${name}_temp_path $folder/$name;"
        done
        awk '/^```nginx$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/docs/OPERATIONS.md" |
            sed -e "s#listen 8081#listen 127.0.0.1:$port#" -e "s#/var/cache/muster#$folder/cache#" \
                -e "s#http://muster.example:8080#$MUSTER_SERVER#"
        echo '}'
    } >"$folder/conf"
    nginx -c "$folder/conf" -e "$folder/error.log" >"$WORK/nginx.log" 2>&1 &
    PIDS+=($!)
    MIRROR=http://127.0.0.1:$port
    until_true 30 "nginx" curl -s -o /dev/null "$MIRROR/"
}

# get URL [OPTION...]: body in $WORK/body, headers in $WORK/head; prints the status.
get() {
    curl -s -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' "${@:2}" "$1"
}

# expect STATUS CACHE URL [OPTION...]: and what the cache says of itself; "" whatever it says.
expect() {
    local got
    got=$(get "${@:3}")
    [ "$got" = "$1" ] || fail "$got of $3: $(head -c 300 "$WORK/body")"
    [ -z "$2" ] || grep -qi "^X-Cache: $2"$'\r' "$WORK/head" ||
        fail "not $2 but '$(grep -i '^X-Cache' "$WORK/head")': $3"
}

# link SECONDS: the address of the artifact below /, signed for so long.
link() {
    curl -fsS -H "Authorization: Bearer $MUSTER_TOKEN" -H 'Content-Type: application/json' \
        -d "{\"path\":\"fashion/1/fp32.mnet\",\"expires_s\":$1}" "$MUSTER_SERVER/v1/links" |
        sed 's/.*"url":"\([^"]*\)".*/\1/'
}

client() {
    "$CLIENT" --metadata-url "$1/tuf/metadata/" --metadata-dir "$WORK/client" "${@:2}" \
        >"$WORK/client.out" 2>"$WORK/client.log" || fail "${*:2}: $(cat "$WORK/client.log")"
}

timestamp_version() {
    tr -d ' ' <"$1" | sed 's/.*"version":\([0-9]*\)}.*/\1/'
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
mirror_start

# a signed link fills the cache; another one for the same file, a range and no link at all hit it
first=$(link 600)
target=${first%%\?*}
expect 401 "" "$MIRROR$target"
expect 403 "" "$MIRROR${first%?}"
expect 200 MISS "$MIRROR$first"
cmp -s "$WORK/body" "$WORK/1.0.0.mnet" || fail "the mirror changed the artifact"
etag=$(sed -n 's/^ETag: \(.*\)\r/\1/Ip' "$WORK/head")
expect 200 HIT "$MIRROR$(link 700)"
expect 200 HIT "$MIRROR$target"
expect 206 HIT "$MIRROR$target" -H 'Range: bytes=1000-1999' -H "If-Range: $etag"
cmp -s "$WORK/body" <(tail -c +1001 "$WORK/1.0.0.mnet" | head -c 1000) || fail "another range came"
expect 200 HIT "$MIRROR$target" -H 'Range: bytes=1000-1999' -H 'If-Range: "another"'
expect 304 HIT "$MIRROR$target" -H "If-None-Match: $etag"

# versioned metadata stay in the cache, the timestamp never does
expect 200 MISS "$MIRROR/tuf/metadata/2.targets.json"
expect 200 HIT "$MIRROR/tuf/metadata/2.targets.json"
expect 200 MISS "$MIRROR/tuf/metadata/timestamp.json"
cp "$WORK/body" "$WORK/timestamp.json"
fleet_publish 1.1.0 --server "$MUSTER_SERVER"
expect 200 MISS "$MIRROR/tuf/metadata/timestamp.json"
! cmp -s "$WORK/body" "$WORK/timestamp.json" || fail "the mirror keeps old timestamps"

# a stock client: the server itself, then the mirror; public models need no token
curl -fsS -o /dev/null -X PUT -H "Authorization: Bearer $MUSTER_TOKEN" -H 'Content-Type: application/json' \
    -d '{"public":true}' "$MUSTER_SERVER/v1/models/fashion/access" || fail "access"
mkdir -p "$WORK/got"
"$CLIENT" --metadata-dir "$WORK/client" init "$ROOT" 2>"$WORK/client.log" || fail "init"
client "$MUSTER_SERVER" refresh
client "$MUSTER_SERVER" --target-name fashion/2/fp32.mnet --target-dir "$WORK/got" \
    --target-base-url "$MUSTER_SERVER/tuf/targets/" download
client "$MIRROR" --target-name fashion/1/fp32.mnet --target-dir "$WORK/got" \
    --target-base-url "$MIRROR/tuf/targets/" download
cmp -s "$WORK/got/fashion%2F2%2Ffp32.mnet" "$WORK/1.1.0.mnet" || fail "the artifact differs"
cmp -s "$WORK/got/fashion%2F1%2Ffp32.mnet" "$WORK/1.0.0.mnet" || fail "the mirror's artifact differs"

# without the server the mirror still has what it had
server_stop
expect 200 HIT "$MIRROR$target"
echo "ok: the server and its mirror serve stock clients"
