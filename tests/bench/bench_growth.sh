#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What growth costs. Each part is a script bench_growth_PART.sh with arguments of its own.
#
#   bench_growth.sh PART [ARGUMENTS]
#     rows        insert rate at 50 million rows against 5 million; bytes a row
#     retention   5 million rows deleted under load: what acknowledgements notice of it
#     scan        a client looping over 5 million counts, each read cut off at its deadline
#     nodes       a million registered nodes
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
part=${1:-}
if [ -z "$part" ] || [ ! -f "$here/bench_growth_$part.sh" ]; then
    sed -n '3,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
shift
exec bash "$here/bench_growth_$part.sh" "$@"
