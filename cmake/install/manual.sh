#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual page and the completions of a program, from what its --help prints: its own tables of
# subcommands and options.
#
#   manual.sh PROGRAM VERSION FOLDER      writes FOLDER/NAME.1.gz and FOLDER/NAME.bash
set -euo pipefail
program=$1
version=$2
folder=$3
name=$(basename "$program")
mkdir -p "$folder"

# Text as it is, for groff.
verbatim() {
    echo .nf
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
    echo .fi
}

subcommands() {
    "$program" --help | awk '/^subcommands:/ { on = 1; next } /^$/ { on = 0 } on { print $1, $2 }'
}

options() {
    "$program" "$@" --help | grep -oE '^ +(-[a-z], )?--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u | tr '\n' ' '
}

about() {
    case $name in
        musterd) echo 'the server of a fleet of edge nodes' ;;
        muster-agent) echo 'an edge node: infers, reports, and takes signed models' ;;
        *) echo "a fleet of edge nodes from the command line" ;;
    esac
}

page() {
    local group sub
    printf '.TH %s 1 "" "muster %s" "muster"\n.SH NAME\n%s \\- %s\n' "${name^^}" "$version" "${name//-/\\-}" "$(about)"
    printf '.SH DESCRIPTION\n'
    "$program" --help | verbatim
    [ "$name" = muster ] || return 0
    printf '.SH SUBCOMMANDS\n'
    while read -r group sub; do
        printf '.SS %s\n' "muster $group ${sub//-/\\-}"
        "$program" "$group" "$sub" --help | verbatim
    done < <(subcommands)
}

completion() {
    local group sub
    echo "# bash completion of $name $version, made from its --help"
    echo "_${name//-/_}() {"
    echo '    local word=${COMP_WORDS[COMP_CWORD]} words='
    if [ "$name" = muster ]; then
        echo '    case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]-}" in'
        echo "        '1 '*) words='$(subcommands | cut -d' ' -f1 | sort -u | tr '\n' ' ')' ;;"
        subcommands | sort | awk '{ names[$1] = names[$1] " " $2 }
            END { for (g in names) printf "        \"2 %s \"*) words=\"%s\" ;;\n", g, substr(names[g], 2) }' | sort
        while read -r group sub; do
            echo "        *' $group $sub') words='$(options "$group" "$sub")' ;;"
        done < <(subcommands)
        echo '    esac'
    else
        echo "    words='$(options)'"
        [ "$name" != musterd ] || echo '    [ "$COMP_CWORD" != 1 ] || words+=" init snapshot backup backup-key verify-backup restore healthcheck"'
    fi
    echo '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")'
    echo '}'
    echo "complete -o default -F _${name//-/_} $name"
}

page | gzip -9n >"$folder/$name.1.gz"
completion >"$folder/$name.bash"
