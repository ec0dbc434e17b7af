#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every subcommand that `muster --help` lists has a help with its own synopsis, refuses an
# unknown option with exit code 2, and keeps stdout free of messages.
set -u
muster=$1
unset MUSTER_SERVER MUSTER_TOKEN
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

list=$("$muster" --help | sed -n '/^subcommands:/,/^$/s/^  \([a-z-]*\) \([a-z-]*\)  *.*/\1 \2/p')
count=$(printf '%s\n' "$list" | wc -l)
[ "$count" -ge 20 ] || fail "only $count subcommands are listed"

printf '%s\n' "$list" | {
    while read -r group name; do
        help=$("$muster" "$group" "$name" --help) || fail "$group $name --help exits with $?"
        case $help in
        "usage: muster $group $name"*) ;;
        *) fail "$group $name --help does not begin with its usage" ;;
        esac
        out=$("$muster" "$group" "$name" --no-such-option 2>/dev/null)
        code=$?
        [ $code -eq 2 ] || fail "$group $name --no-such-option exits with $code"
        [ -z "$out" ] || fail "$group $name writes messages to stdout"
    done
    exit $failed
} || failed=1

out=$("$muster" 2>/dev/null)
[ $? -eq 2 ] || fail "muster alone must exit with 2"
[ -z "$out" ] || fail "muster alone writes to stdout"
"$muster" node frobnicate 2>/dev/null
[ $? -eq 2 ] || fail "an unknown subcommand must exit with 2"
"$muster" node list 2>/dev/null
[ $? -eq 2 ] || fail "no server named must exit with 2"
"$muster" node list --server http://127.0.0.1:1 2>/dev/null
[ $? -eq 1 ] || fail "a server that does not answer must exit with 1"
case $("$muster" --version) in
"muster "*) ;;
*) fail "--version" ;;
esac
exit $failed
