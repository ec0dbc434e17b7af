#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed libraries, from outside the tree: examples/node.c is built against them by CMake and
# by pkg-config, shared and static, and starts; nothing but muster_… leaves them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1/.." && pwd)
[ -f "$build/lib/muster-edge.pc" ] || { echo "skipped: a build without rules of installation"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-install.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*" >&2
    tail -n 30 "$work"/*.log >&2 2>/dev/null || true
    exit 1
}

# Without a server it says how it is used, and ends; its libraries were found then.
assert_starts() {
    local out
    out=$("$@" 2>&1) || true
    grep -q 'usage: ' <<<"$out" || fail "$1 does not start: $out"
}

prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >"$work/install.log" 2>&1 || fail "cmake --install"
pc=$(find "$prefix" -name muster-edge.pc)
lib=$(dirname "$(dirname "$pc")")
for program in musterd muster muster-agent; do
    "$prefix/bin/$program" --help >/dev/null || fail "$program --help"
done

CC=${CC:-cc} cmake -S "$here/outside" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -DNODE_SOURCE="$root/examples/node.c" >"$work/configure.log" 2>&1 || fail "find_package(muster)"
cmake --build "$work/cmake" >"$work/build.log" 2>&1 || fail "the build against the package"
assert_starts "$work/cmake/node_shared"
assert_starts "$work/cmake/node_static"

# The prefix of .pc files is that of the build's configuration; here it is elsewhere.
export PKG_CONFIG_PATH=$lib/pkgconfig
read -r -a flags < <(pkg-config --define-variable=prefix="$prefix" --cflags --libs muster-edge)
cc -o "$work/pc_shared" "$root/examples/node.c" "${flags[@]}" || fail "pkg-config muster-edge"
assert_starts env LD_LIBRARY_PATH="$lib" "$work/pc_shared"
read -r -a flags < <(pkg-config --define-variable=prefix="$prefix" --static --cflags --libs muster-edge)
mkdir "$work/static"
cp "$lib"/*.a "$work/static"
cc -o "$work/pc_static" "$root/examples/node.c" -L"$work/static" "${flags[@]/-L$lib/-L$work/static}" ||
    fail "pkg-config --static muster-edge"
assert_starts "$work/pc_static"
if readelf -d "$work/pc_static" | grep -q 'NEEDED.*libmuster'; then
    fail "the static program needs libmuster"
fi

for name in nn edge; do
    [ "$(readelf -d "$lib/libmuster_$name.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" = "libmuster_$name.so.0" ] ||
        fail "libmuster_$name: another SONAME"
    odd=$(nm -D --defined-only "$lib/libmuster_$name.so" | awk '{print $NF}' | grep -v '^muster_' || true)
    [ -z "$odd" ] || fail "libmuster_$name.so exports $odd"
    odd=$(nm -g --defined-only "$lib/libmuster_$name.a" | awk 'NF == 3 {print $3}' | grep -v '^muster_' || true)
    [ -z "$odd" ] || fail "libmuster_$name.a exports $odd"
done

# Every header by itself, in C and in C++.
for header in "$prefix"/include/muster/*.h; do
    for language in c c++; do
        printf '#include <muster/%s>\n' "$(basename "$header")" >"$work/one.c"
        cc -x "$language" -fsyntax-only -Wall -Wextra -Werror -I"$prefix/include" "$work/one.c" ||
            fail "$(basename "$header") alone, in $language"
    done
done
