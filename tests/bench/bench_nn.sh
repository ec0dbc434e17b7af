#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CNN runtime against ONNX Runtime (npm's onnxruntime-node, one thread, sequential), in turn.
#
#   script/bench nn [ROUNDS] [--seconds S] [--nets FOLDER] [--only "NET ..."]
#
#   --nets    a folder of .onnx files to take; without it they are exported with random weights by
#             Debian's python3-torchvision into a temporary one
#   --only    of: fashion mobilenet_v2 resnet18 squeezenet1_1 mobilenet_v3_small efficientnet_b0
# A net that the importer refuses is left out with its reason. MUSTER_ORT names the folder of an
# installed onnxruntime-node. The shortest run of all rounds counts; GFLOP/s from it; load from the
# page cache; peak is the process's resident memory in MB (node's own is in ONNX Runtime's).
. "$(dirname "$0")/lib.sh"

rounds=5
seconds=2
nets=
only="fashion mobilenet_v2 resnet18 squeezenet1_1 mobilenet_v3_small efficientnet_b0"
while [ $# -gt 0 ]; do
    case "$1" in
        --seconds) seconds=$2; shift ;;
        --nets) nets=$2; shift ;;
        --only) only=$2; shift ;;
        [0-9]*) rounds=$1 ;;
        *) sed -n '5,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

export_nets() {
    nets=$WORK/nets
    mkdir "$nets"
    /usr/bin/python3 "$SOURCE/tests/bench/nn_export.py" "$nets" $only >"$WORK/export.log" 2>&1 ||
        fail "no nets: needs Debian's python3-torchvision"
}

install_onnxruntime() {
    npm install --ignore-scripts --no-audit --no-fund --prefix "$WORK" onnxruntime-node@1.30.0 \
        >"$WORK/npm.log" 2>&1 || fail "npm install onnxruntime-node"
    export MUSTER_ORT=$WORK/node_modules/onnxruntime-node
}

measure() {
    local net=$1 shape=$2 ours theirs round
    for ((round = 0; round < rounds; round++)); do
        ours=$("$BIN/bench_nn" "$WORK/$net.mnet" "$seconds") || fail "muster cannot run $net"
        theirs=$(node "$SOURCE/tests/bench/nn_onnxruntime.js" "$nets/$net.onnx" "$seconds" "$shape") ||
            fail "ONNX Runtime cannot run $net"
        figure "$net.ours" "$(field min_ms "$ours")"
        figure "$net.theirs" "$(field min_ms "$theirs")"
        figure "$net.load" "$(field load_ms "$ours")"
        figure "$net.load_theirs" "$(field load_ms "$theirs")"
    done
    local a b gflops
    a=$(lowest "$net.ours")
    b=$(lowest "$net.theirs")
    gflops=$(calc "2 * $(field macs "$ours") / $a / 1e6")
    printf '%-20s %9.3f %9.3f %6.2f %8.1f %8.2f %8.1f %8.1f %8.1f %8.1f\n' "$net" "$a" "$b" "$(calc "$a / $b")" \
        "$gflops" "$(lowest "$net.load")" "$(lowest "$net.load_theirs")" \
        "$(calc "$(field peak_kb "$ours") / 1024")" "$(calc "$(field peak_kb "$theirs") / 1024")" \
        "$(calc "($(field weight_bytes "$ours") + $(field arena_bytes "$ours")) / 1048576")"
    results+=("{\"net\":\"$net\",\"ms\":$a,\"onnxruntime_ms\":$b,\"gflops\":$gflops}")
}

[ -n "$nets" ] || export_nets
[ -n "${MUSTER_ORT:-}" ] || install_onnxruntime
results=()
printf '%-20s %9s %9s %6s %8s %8s %8s %8s %8s %8s\n' net ms ort_ms ratio GFLOP/s load_ms ort peak_MB ort needed
for net in $only; do
    shape=1x3x224x224
    if [ "$net" = fashion ]; then
        shape=1x1x28x28
        [ -f "$nets/fashion.onnx" ] || cp "$SOURCE/examples/fashion/fashion-1.1.0.onnx" "$nets/fashion.onnx"
    fi
    if ! "$BIN/muster" model import "$nets/$net.onnx" -o "$WORK/$net.mnet" >"$WORK/import.log" 2>&1; then
        say "$net: $(tail -n 1 "$WORK/import.log")"
        continue
    fi
    measure "$net" "$shape"
done
printf '{"bench":"nn",%s,"results":[%s]}\n' "$(machine_json)" "$(IFS=,; echo "${results[*]}")"
