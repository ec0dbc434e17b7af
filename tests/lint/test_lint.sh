#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Breaks every rule of script/lint on purpose: each folder of cases/ is laid over the clean
# tree, and the lint must find exactly the "file:line: rule" lines of the case's `expect`.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-lint-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
export MUSTER_LINT_CACHE=$work/cache
passed=0
failed=0

# check NAME CONDITION...: counts one check.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

# run_case FOLDER: lints the clean tree with FOLDER laid over it.
run_case() {
    local tree=$work/tree status wanted=1
    rm -rf "$tree"
    mkdir -p "$tree/nn"
    cp "$root/.clang-format" "$root/.clang-tidy" "$tree"
    cp "$root/nn/.clang-tidy" "$tree/nn"
    cp -r "$here/cases/clean/." "$1/." "$tree"
    rm "$tree/expect"
    "$root/script/lint" --root "$tree" >"$work/found" 2>"$work/said"
    status=$?
    [ -s "$1/expect" ] || wanted=0
    sed 's/^\([^:]*:[0-9]*: [a-z-]*\):.*/\1/' "$work/found" | sort -u >"$work/rules"
    sort -u "$1/expect" | diff - "$work/rules" && [ "$status" -eq "$wanted" ]
}

mkdir "$work/clean"
touch "$work/clean/expect"
check "the clean tree has no finding" run_case "$work/clean"
for folder in "$here"/cases/*/; do
    folder=${folder%/}
    [ "${folder##*/}" = clean ] || check "${folder##*/}" run_case "$folder"
done

cat "$here"/cases/*/expect | sed 's/.*: //' | sort -u >"$work/broken"
while read -r rule; do
    check "a case breaks the rule $rule" grep -qx "$rule" "$work/broken"
done < <("$root/script/lint" --rules)

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
