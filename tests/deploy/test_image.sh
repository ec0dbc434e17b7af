#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image of deploy/Dockerfile under buildah: its runtime stage with the programs of this build (as the
# stage "build" would leave them), on the Debian 12 that MUSTER_BASE names, a folder that debootstrap made
# (--variant=minbase) with sources that apt can reach. HEALTHCHECK and labels are there, it runs as 65532,
# writes only below /data, and an agent outside enrols and reports.
[ -n "${MUSTER_BASE:-}" ] || { echo "skipped: MUSTER_BASE names no folder that debootstrap made"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: not root"; exit 77; }
command -v buildah >/dev/null || { echo "skipped: no buildah"; exit 77; }
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/../e2e/lib.sh"

store() {
    buildah --root "$WORK/store" --runroot "$WORK/run" --storage-driver vfs "$@"
}
in_image() {
    store run --isolation chroot "$CONTAINER" -- "$@"
}
remove_store() {
    cleanup_processes
    store rm -a >/dev/null 2>&1 || true
    store rmi -a -f >/dev/null 2>&1 || true
    cleanup_files
}
trap remove_store EXIT

BASE=$(store from scratch)
store add -q "$BASE" "$MUSTER_BASE" / >/dev/null
store commit -q "$BASE" localhost/base:bookworm >"$WORK/base.log" 2>&1 || fail "the base"
mkdir -p "$WORK/stage/out/usr/bin" "$WORK/stage/out/data"
cp "$BIN/musterd" "$BIN/muster" "$WORK/stage/out/usr/bin"
store bud --isolation chroot --format docker --build-arg BASE=localhost/base:bookworm \
    --build-context build="$WORK/stage" -f "$SOURCE/deploy/Dockerfile" -t muster "$WORK/stage" \
    >"$WORK/bud.log" 2>&1 || fail "the image cannot be built"
store inspect --type image localhost/muster >"$WORK/image.json"
for want in '"User": "65532:65532"' '"Healthcheck": {' '"org.opencontainers.image.licenses": "Apache-2.0"' \
    '"/data": {}' '"/usr/bin/musterd"'; do
    grep -qF "$want" "$WORK/image.json" || fail "the image has no $want"
done

CONTAINER=$(store from localhost/muster)
ROOT_FOLDER=$(store mount "$CONTAINER")
[ "$(in_image id -u)" = 65532 ] || fail "it runs as $(in_image id -u)"
# Without a network of its own it takes ports that are free.
touch "$WORK/before"
in_image sh -c 'musterd init && exec musterd --listen 127.0.0.1:0 --metrics-listen ""' \
    >"$WORK/server.out" 2>"$WORK/server.log" &
PIDS+=($!)
until_true 120 "listening server in the image" server_listens
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/server.out")
export MUSTER_TOKEN
PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$WORK/server.out")
export MUSTER_SERVER=http://127.0.0.1:$PORT
in_image musterd healthcheck --url "$MUSTER_SERVER/readyz" || fail "healthcheck"

echo "a passphrase" >"$WORK/passphrase"
ROOT=$WORK/repo/root.json
"$BIN/muster" repo init "$WORK/repo" --passphrase-file "$WORK/passphrase" \
    --timestamp-key "$(sed -n 's/^timestamp-key: //p' "$WORK/server.out")" >"$WORK/repo.log" 2>&1 || fail "repo init"
fleet_publish 1.0.0
fleet_deploy 1.0.0
TOKEN=$(fleet_token 1)
agent_start node --source "$DATASET/t10k-images-idx3-ubyte.gz" --indices 0:20 --rate 0 --until-done --poll-s 1
wait "$AGENT_PID" || fail "the agent ended with status $?"
grep -q 'acknowledged=20 queued=0' "$WORK/node.out" || fail "$(cat "$WORK/node.out")"

odd=$(find "$ROOT_FOLDER" -xdev -newer "$WORK/before" -user 65532 ! -path "$ROOT_FOLDER/data*" -print)
[ -z "$odd" ] || fail "it wrote outside /data: $odd"
echo "image: built, healthy as 65532, 20 predictions acknowledged"
