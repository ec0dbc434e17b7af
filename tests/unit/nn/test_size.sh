#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libmuster_nn, stripped: at most 400 KiB with every kernel, at most 120 KiB with the core
# operators only; needs libc and libm; the small one runs core nets and refuses others.
#   test_size.sh SOURCE BUILD FIXTURE_KERNELS
set -euo pipefail
source=$1 build=$2 fixture=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-size.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# small LIBRARY KIB: its stripped size, and what it needs.
small() {
    local bytes
    strip -o "$work/stripped.so" "$1"
    bytes=$(stat -c %s "$work/stripped.so")
    echo "$1: $bytes bytes"
    [ "$bytes" -le $(($2 * 1024)) ] || fail "more than $2 KiB"
    readelf -d "$work/stripped.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
    ! grep -v '^\(libc\|libm\|ld-linux.*\)\.so' "$work/needed" || fail "needs another library"
}

small "$build/lib/libmuster_nn.so" 400
launcher=()
! command -v ccache >/dev/null || launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
{
    cmake -S "$source" -B "$build/core" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMUSTER_NN_CORE=ON \
        "${launcher[@]}" && cmake --build "$build/core"
} >"$work/log" 2>&1 || { cat "$work/log"; fail "the core build"; }
small "$build/core/lib/libmuster_nn.so" 120

"$fixture" "$work/core.mnet"
"$fixture" "$work/extended.mnet" extended
"$build/core/bin/cross_verify" "$work/core.mnet" >"$work/out" || { cat "$work/out"; fail "a core net"; }
! "$build/core/bin/cross_verify" "$work/extended.mnet" >"$work/out" || fail "an unknown operator ran"
grep -q 'unknown operator 17' "$work/out" || { cat "$work/out"; fail "other words"; }
