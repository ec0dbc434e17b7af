#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM under load (MUSTER_STOPS times, 8): the server finishes what is in flight, ends with
# status 0, and every report that was answered with 200 is there, once.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"
STOPS=${MUSTER_STOPS:-8}

"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$WORK/init.out")
export MUSTER_TOKEN
server_start --log-requests=0
reporter_start load --nodes 16 --rows 50
acked=0
for stop in $(seq "$STOPS"); do
    until_true 60 "acknowledgements" reporter_has_acks $((acked + 50))
    server_stop
    ! grep -q 'Fatal error' "$WORK/server.log" || fail "stop $stop: $(tail -n 1 "$WORK/server.log")"
    acked=$(wc -l <"$WORK/load.ack")
    server_start --log-requests=0
done
reporter_stop
server_stop
acks_hold >"$WORK/judgement" || exit 1
echo "stop: ok stops=$STOPS acked=$(wc -l <"$WORK/load.ack") lost=0"
