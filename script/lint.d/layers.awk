# SPDX-License-Identifier: Apache-2.0
# Holds the other two places that speak of layers against layers.txt: what a CMakeLists.txt
# links, and the table that docs/ARCHITECTURE.md prints.
#   awk -f layers.awk layers.txt FILE...

function find(rule, message) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, message
}

function trim(text) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# People and targets say `store` and `SQLite`; the table says server/store and sqlite3.
function full_name(name) {
    name = tolower(name)
    sub(/'s.*$/, "", name)
    if (name == "sqlite") {
        return "sqlite3"
    }
    if (name == "zstd") {
        return "libzstd"
    }
    return !(name in may) && ("server/" name) in may ? "server/" name : name
}

function check_links(   words, n, i, layer, name) {
    gsub(/[()]/, " ")
    n = split($0, words, /[ \t]+/)
    layer = full_name(words[2])
    for (i = 3; i <= n; i++) {
        name = full_name(words[i])
        if (words[i] !~ /^(USES|PKGS|)$/ && layer in may && may[layer] !~ /\*/ &&
            index(may[layer], " " name " ") == 0) {
            find("layer-link", layer " may not link " name)
        }
    }
}

function check_row(   cells, words, n, i, layer, name, listed, wanted) {
    split($0, cells, "|")
    layer = trim(cells[2])
    gsub(/[`\/]+$|^`/, "", layer)
    if (!(layer in may)) {
        return
    }
    listed = " "
    n = split(cells[4], words, /,| and | only/)
    for (i = 1; i <= n; i++) {
        name = full_name(trim(words[i]))
        if (name == "" || name ~ /^lib[cm]$/) {
            continue
        }
        listed = listed name " "
        if (index(may[layer], " " name " ") == 0) {
            find("layer-table", layer " may not include " name " by script/lint.d/layers.txt")
        }
    }
    n = split(may[layer], wanted, " ")
    for (i = 1; i <= n; i++) {
        if (index(listed, " " wanted[i] " ") == 0) {
            find("layer-table", layer " may include " wanted[i] " by script/lint.d/layers.txt")
        }
    }
}

NR == FNR {
    if (/^layer /) {
        split(substr($0, 7), part, "|")
        may[trim(part[1])] = " " trim(part[2]) " " trim(part[3]) " "
    }
    next
}

/^muster_layer\(/ { check_links() }
/^\| `[a-z\/]+` \|/ && FILENAME ~ /ARCHITECTURE\.md$/ { check_row() }
