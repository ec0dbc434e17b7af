#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A smoke test of muster-tuf-conformance: the files of a published repository behind an ordinary
# static server, and the commands of the public conformance protocol.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
CLIENT=$BIN/muster-tuf-conformance
SITE=$WORK/site

serve() {
    cat >"$WORK/serve.js" <<'JS'
const fs = require('fs'), http = require('http'), path = require('path');
const [root, log] = process.argv.slice(2);
http.createServer((request, response) => {
    fs.appendFileSync(log, request.url + '\n');
    fs.readFile(path.join(root, decodeURIComponent(request.url)), (error, data) => {
        response.writeHead(error ? 404 : 200);
        response.end(error ? '' : data);
    });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
JS
    node "$WORK/serve.js" "$SITE" "$WORK/requests" >"$WORK/serve.out" 2>"$WORK/serve.log" &
    PIDS+=($!)
    until_true 10 "static server" test -s "$WORK/serve.out"
    URL=http://127.0.0.1:$(cat "$WORK/serve.out")/a%5Bb%5D
}

# site_copy: what the server publishes now, as plain files.
site_copy() {
    local version name
    mkdir -p "$SITE/a[b]/metadata" "$SITE/a[b]/targets"
    curl -fsS -o "$SITE/a[b]/metadata/timestamp.json" "$MUSTER_SERVER/tuf/metadata/timestamp.json"
    version=$(sqlite3 :memory: "SELECT json_extract(CAST(readfile('$SITE/a[b]/metadata/timestamp.json')
        AS TEXT), '\$.signed.meta.\"snapshot.json\".version')")
    for name in "$version.snapshot.json" "$version.targets.json"; do
        curl -fsS -o "$SITE/a[b]/metadata/$name" "$MUSTER_SERVER/tuf/metadata/$name" || fail "no $name"
    done
    cp -r "$WORK/repo/targets/." "$SITE/a[b]/targets/"
}

client() {
    "$CLIENT" --metadata-url "$URL/metadata/" --metadata-dir "$WORK/client" "$@" 2>"$WORK/client.log"
}

download() {
    client --target-name "$1" --target-dir "$WORK/got" --target-base-url "$URL/targets/" download
}

expect() {
    local wanted=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" = "$wanted" ] || fail "status $got of $*: $(cat "$WORK/client.log")"
}

fleet_init
fleet_publish 1.0.0 --server "$MUSTER_SERVER"
site_copy
serve
mkdir -p "$WORK/got"

# init: no request; an unsigned root is refused
sqlite3 :memory: "SELECT json_set(CAST(readfile('$ROOT') AS TEXT), '\$.signatures', json('[]'))" \
    >"$WORK/unsigned.json"
expect 1 "$CLIENT" --metadata-dir "$WORK/client" init "$WORK/unsigned.json" 2>"$WORK/client.log"
expect 0 "$CLIENT" --metadata-dir "$WORK/client" init "$ROOT" 2>"$WORK/client.log"
[ ! -s "$WORK/requests" ] || fail "init asked the server"

# refresh: the files that came, byte for byte, and no others
expect 0 client refresh
for name in timestamp snapshot targets; do
    cmp -s "$WORK/client/$name.json" "$SITE/a[b]/metadata/"*"$name.json" || fail "$name.json differs"
done
[ "$(cd "$WORK/client" && echo *.json)" = "root.json snapshot.json targets.json timestamp.json" ] ||
    fail "other files: $(ls "$WORK/client")"

# download: the artifact; a second time without asking; a path that nobody lists
expect 0 download fashion/1/fp32.mnet
cmp -s "$WORK/got/fashion%2F1%2Ffp32.mnet" "$WORK/1.0.0.mnet" || fail "the artifact differs"
before=$(grep -c targets/ "$WORK/requests")
expect 0 download fashion/1/fp32.mnet
[ "$(grep -c targets/ "$WORK/requests")" = "$before" ] || fail "it was downloaded twice"
expect 1 download fashion/2/fp32.mnet

# a changed artifact and a changed timestamp are refused, and nothing is stored
rm "$WORK/got/"*
for file in "$SITE/a[b]/targets/fashion/1/"*.fp32.mnet; do
    printf 'x' | dd of="$file" bs=1 seek=1000 conv=notrunc status=none
done
expect 1 download fashion/1/fp32.mnet
[ -z "$(ls "$WORK/got")" ] || fail "a changed artifact was stored"
sed -i 's/"version":/"versioN":/' "$SITE/a[b]/metadata/timestamp.json"
cp "$WORK/client/timestamp.json" "$WORK/kept.json"
expect 1 client refresh
cmp -s "$WORK/client/timestamp.json" "$WORK/kept.json" || fail "a bad timestamp was stored"
echo "tuf adapter: ok"
