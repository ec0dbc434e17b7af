#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# engine.sh FILE ARTIFACT FOLDER: builds an engine as docs/RUNNERS.md describes: the artifact,
# compressed, and tested by uncompressing it again. The word in FILE says what else it does: good;
# refuse, fail, big (writes without end), slow (never ends, nor does its child). FILE.builds gets a
# line a build.
set -eu
read -r mode <"$1"
echo "$mode" >>"$1.builds"
case $mode in
refuse) echo '{"error":"no such operator"}' && exit 0 ;;
fail) exit 3 ;;
big) while head -c 1000000 /dev/zero >>"$3/zeros"; do sleep 0.01; done ;;
slow)
    trap '' TERM
    sleep 1000 &
    echo $! >"$1.child"
    wait
    ;;
esac
gzip -n <"$2" >"$3/engine.gz"
[ "$(gzip -dc "$3/engine.gz" | sha256sum)" = "$(sha256sum <"$2")" ]
echo '{"engine":"engine.gz","more":{}}'
