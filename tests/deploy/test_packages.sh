#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian packages: cpack makes them, lintian finds no error, and what is in them works: the server
# starts with the unit's own command line and the packaged configuration. They are unpacked into a
# folder: no root is needed, and maintainer scripts are only parsed.
set -euo pipefail
build=$(cd "$1/.." && pwd)
for tool in cpack dpkg-deb dpkg-shlibdeps lintian; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ -f "$build/CPackConfig.cmake" ] || { echo "skipped: a build without packages"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-packages.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*" >&2
    tail -n 30 "$work"/*.log >&2 2>/dev/null || true
    exit 1
}

(cd "$build" && cpack -G DEB -B "$work/debs") >"$work/cpack.log" 2>&1 || fail "cpack"
debs=("$work"/debs/*.deb)
[ ${#debs[@]} -eq 5 ] || fail "${#debs[@]} packages instead of 5"
options=(--no-cfg --fail-on error)
[ "$(id -u)" -ne 0 ] || options+=(--allow-root)
TMPDIR=$work lintian "${options[@]}" "${debs[@]}" >"$work/lintian.log" 2>&1 || fail "lintian found an error"

for deb in "${debs[@]}"; do
    dpkg-deb -x "$deb" "$work/root"
    dpkg-deb -e "$deb" "$work/control"
    for script in "$work"/control/{postinst,prerm,postrm}; do
        [ ! -f "$script" ] || sh -n "$script" || fail "$script of $deb"
    done
    rm -rf "$work/control"
done

# What the unit says, with the folder before each path.
unit=$work/root/usr/lib/systemd/system/musterd.service
read -r -a command < <(sed -n 's/^ExecStart=//p' "$unit")
[ "${command[*]}" = "/usr/bin/musterd --config /etc/muster/musterd.conf" ] || fail "ExecStart=${command[*]}"
sed -e "s|^data = .*|data = $work/data|" -e 's|^\(.*listen\) = .*|\1 = 127.0.0.1:0|' \
    "$work/root/usr/share/muster/musterd.conf" >"$work/musterd.conf"
"$work/root/usr/bin/musterd" init --data "$work/data" >"$work/init" 2>"$work/init.log" || fail "musterd init"
"$work/root${command[0]}" --config "$work/musterd.conf" >"$work/out" 2>"$work/server.log" &
pid=$!
deadline=$((SECONDS + 120))
until grep -q '^listening on ' "$work/out"; do
    kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ] || fail "the packaged server does not start"
    sleep 0.1
done
address=$(sed -n 's/^listening on //p' "$work/out")
"$work/root/usr/bin/musterd" healthcheck --url "http://$address/readyz" || fail "healthcheck"
MUSTER_TOKEN=$(sed -n 's/^admin-token: //p' "$work/init") "$work/root/usr/bin/muster" server status \
    --server "http://$address" --json >"$work/status" || fail "the packaged muster"
kill -TERM "$pid"
wait "$pid" || fail "the server ended with status $?"
pid=

for program in musterd muster muster-agent; do
    zcat "$work/root/usr/share/man/man1/$program.1.gz" | grep "^\.SH DESCRIPTION" >/dev/null || fail "the page of $program"
done
# The completions know what the programs know.
words=$(bash -c '. "$1"; COMP_WORDS=(muster model publish --) COMP_CWORD=3; _muster; echo "${COMPREPLY[*]}"' \
    _ "$work/root/usr/share/bash-completion/completions/muster")
[[ " $words " == *" --passphrase-file "* ]] || fail "completion of muster model publish: $words"
