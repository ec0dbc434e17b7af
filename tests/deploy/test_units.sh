#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units: their exposure is at most 1.5 and systemd finds nothing wrong with them. No
# systemd needs to run.
set -euo pipefail
units=$(cd "$(dirname "$0")/../../deploy/systemd" && pwd)
command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-units.XXXXXX")
trap 'rm -rf "$work"' EXIT

for unit in "$units"/*.service; do
    name=$(basename "$unit")
    systemd-analyze security --offline=true --no-pager --threshold=15 "$unit" >"$work/exposure" 2>&1 || {
        grep -v '✓' "$work/exposure" >&2
        echo "FAIL: $name is more exposed than 1.5" >&2
        exit 1
    }
    echo "$name: $(sed -n 's/^.*exposure level for [^:]*: //p' "$work/exposure")"
done

# Verification wants the programs to be there.
mkdir "$work/units"
for unit in "$units"/*; do
    sed 's|^ExecStart=/[^ ]*|ExecStart=/bin/true|' "$unit" >"$work/units/$(basename "$unit")"
done
systemd-analyze verify --man=no --recursive-errors=no "$work"/units/* >"$work/findings" 2>&1 || true
if grep -F "$work/units" "$work/findings"; then
    echo "FAIL: systemd-analyze verify" >&2
    exit 1
fi
