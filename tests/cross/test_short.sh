#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The runtime, built for aarch64 and armhf, computes under qemu-user what this machine's
# importer proved, by each family of kernels. script/cross is the long form.
#   test_short.sh SOURCE BUILD FIXTURE_KERNELS MUSTER
set -euo pipefail
source=$1 build=$2 fixture=$3 muster=$4
for tool in aarch64-linux-gnu-gcc qemu-aarch64 arm-linux-gnueabihf-gcc qemu-arm; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: no $tool (script/setup --all installs it)"
        exit 77
    fi
done
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-cross.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$fixture" "$work/kernels.mnet"
"$muster" model import "$source/examples/fashion/fashion-1.0.0.onnx" -o "$work/fashion.mnet" >"$work/log"

# on ARCHITECTURE QEMU PROCESSOR...: builds and runs as each processor.
on() {
    local architecture=$1 qemu=$2 folder="$build/cross-$1" processor launcher=()
    shift 2
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMUSTER_NN_ONLY=ON \
        --toolchain "$source/cmake/toolchain/$architecture.cmake" "${launcher[@]}" >"$work/$architecture" 2>&1 ||
        { cat "$work/$architecture"; return 1; }
    cmake --build "$folder" --target cross_verify >"$work/$architecture" 2>&1 ||
        { cat "$work/$architecture"; return 1; }
    for processor in "$@"; do
        QEMU_CPU=$processor "$qemu" "$folder/bin/cross_verify" "$work"/*.mnet >"$work/$architecture" || true
        [ "$(grep -c ': ok$' "$work/$architecture")" -eq 4 ] ||
            { echo "$architecture as $processor:"; cat "$work/$architecture"; return 1; }
    done
}

on aarch64 qemu-aarch64 cortex-a53 max &
first=$!
failed=0
on armhf qemu-arm cortex-a7 max || failed=1
wait $first || failed=1
exit $failed
