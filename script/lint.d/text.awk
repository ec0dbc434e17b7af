# SPDX-License-Identifier: Apache-2.0
# The rules that a line reader can hold, over all C files: prints "file:line: rule: message".
#   awk -v layers=layers.txt -v banned=banned.txt -f text.awk FILE...
# Written for mawk: no intervals, no word anchors.

function find(line, rule, message) {
    printf "%s:%d: %s: %s\n", FILENAME_OF, line, rule, message
}

function trim(text) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# ---- the two tables

function read_layers(   line, part, names, i, n) {
    while ((getline line < layers) > 0) {
        if (line ~ /^layer /) {
            split(substr(line, 7), part, "|")
            is_layer[trim(part[1])] = 1
            may_layer[trim(part[1])] = " " trim(part[2]) " "
            may_library[trim(part[1])] = " " trim(part[3]) " "
        } else if (line ~ /^public /) {
            split(line, part, /[ \t]+/)
            public_prefix[++publics] = part[2]
            public_layer[publics] = part[3]
        } else if (line ~ /^library /) {
            n = split(line, names, /[ \t]+/)
            for (i = 3; i <= n; i++) {
                library_of[names[i]] = names[2]
            }
        }
    }
}

function read_banned(   line, part, names, where, i, j, n, m) {
    while ((getline line < banned) > 0) {
        if (line ~ /^#/ || split(line, part, "|") != 4) {
            continue
        }
        n = split(trim(part[3]), names, " ")
        m = split(trim(part[2]), where, " ")
        for (i = 1; i <= n; i++) {
            ban_rule[names[i]] = trim(part[1])
            ban_why[names[i]] = trim(part[4])
            ban_pattern = ban_pattern (ban_pattern ? "|" : "") names[i]
            for (j = 1; j <= m; j++) {
                ban_here[names[i], where[j]] = 1
            }
        }
    }
    ban_pattern = "(^|[^A-Za-z0-9_.>])(" ban_pattern ")[ \t]*\\("
}

# The layer that owns a path: its longest folder that is one.
function layer_of(path,   folder) {
    folder = path
    while (sub(/\/[^\/]*$/, "", folder)) {
        if (folder in is_layer) {
            return folder
        }
    }
    return ""
}

function public_owner(name,   i) {
    for (i = 1; i <= publics; i++) {
        if (index(name, public_prefix[i]) == 1) {
            return public_layer[i]
        }
    }
    return ""
}

function library_owner(name,   folder) {
    if (name in library_of) {
        return library_of[name]
    }
    folder = name
    return sub(/\/.*$/, "/", folder) && folder in library_of ? library_of[folder] : ""
}

# ---- one line: `code` without comments and with empty strings, `text` without comments

function strip(line,   token, pattern) {
    code = text = ""
    had_comment = in_comment
    while (line != "") {
        if (in_comment) {
            if (!match(line, /\*\//)) {
                return
            }
            line = substr(line, RSTART + 2)
            in_comment = 0
            continue
        }
        if (!match(line, /\/\*|\/\/|["']/)) {
            code = code line
            text = text line
            return
        }
        token = substr(line, RSTART, RLENGTH)
        code = code substr(line, 1, RSTART - 1)
        text = text substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (token == "/*" || token == "//") {
            had_comment = 1
            if (token == "//") {
                return
            }
            in_comment = 1
            continue
        }
        pattern = token == "'" ? "^([^'\\\\]|\\\\.)*'" : "^([^\"\\\\]|\\\\.)*\""
        if (!match(line, pattern)) {
            return
        }
        code = code token token
        text = text token substr(line, 1, RLENGTH)
        line = substr(line, RLENGTH + 1)
    }
}

# ---- rules

function check_include(   name, owner) {
    if (text !~ /^#[ \t]*include[ \t]/) {
        return
    }
    name = text
    sub(/^#[ \t]*include[ \t]*/, "", name)
    includes++
    if (includes == 1 && own_header != "" && name != "\"" own_header "\"") {
        find(FNR, "own-header-first", "the first include must be \"" own_header "\"")
    }
    if (name ~ /^"/) {
        gsub(/"/, "", name)
        owner = layer_of(name)
        if (name ~ /^[a-z0-9_]+\.inc$/) {
            return # made by the configuration into build/generated
        }
        if (name !~ /\//) {
            find(FNR, "include-path", "\"" name "\" must be named from the root of the repository")
        } else if (owner == "") {
            find(FNR, "layer", "\"" name "\" is in no layer of script/lint.d/layers.txt")
        } else {
            check_layer(owner, "\"" name "\"")
        }
        return
    }
    gsub(/[<>]/, "", name)
    owner = public_owner(name)
    if (owner != "") {
        check_layer(owner, "<" name ">")
        return
    }
    owner = library_owner(name)
    if (owner == "") {
        find(FNR, "layer", "unknown library header <" name ">: name it in script/lint.d/layers.txt")
    } else if (layer != "" && owner != "libc" &&
               (owner != "uthash" || layer == "nn") && may_library[layer] !~ /\*/ &&
               index(may_library[layer], " " owner " ") == 0) {
        find(FNR, "layer", layer " may not include <" name "> (" owner ")")
    }
}

function check_layer(owner, name) {
    if (layer != "" && owner != "" && owner != layer && may_layer[layer] !~ /\*/ &&
        index(may_layer[layer], " " owner " ") == 0) {
        find(FNR, "layer", layer " may not include " name " of " owner)
    }
}

function check_banned(   rest, name) {
    rest = code
    while (match(rest, ban_pattern)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/[^A-Za-z0-9_]/, "", name)
        if ((name, "*") in ban_here || (name, layer) in ban_here) {
            find(FNR, ban_rule[name], name "() is banned here: " ban_why[name])
        }
    }
    if (("printf", layer) in ban_here && code ~ /(fprintf|fputs|fwrite|fputc)[ \t]*\(.*stdout/) {
        find(FNR, "stdout", "stdout is banned here: " ban_why["printf"])
    }
}

# A string with SQL among the arguments of something that formats or appends.
function check_sql() {
    if (layer == "tests") {
        return
    }
    if (code ~ /(printf|buf_add[a-z]*|sqlite3_str_append[a-z]*)[ \t]*\(/) {
        in_print = 1
    }
    if (in_print && text ~ /"[^"]*(SELECT |INSERT |UPDATE [^"]*SET|DELETE FROM|CREATE |DROP |ALTER TABLE|REPLACE INTO|PRAGMA |ATTACH |VACUUM)/) {
        find(FNR, "sql-printf", "SQL is a whole constant; values are bound, never printed into it")
    }
    if (code ~ /;[ \t]*$/) {
        in_print = 0
    }
}

function check_words() {
    if ($0 ~ /(^|[^A-Za-z0-9_])(TO[D]O|FIX[M]E|X[X]X|HA[C]K)([^A-Za-z0-9_]|$)/) {
        find(FNR, "unfinished", "no marks of unfinished work: do it or write an issue")
    }
    if (code ~ /(^|[^A-Za-z0-9_])typedef[ \t]+(struct|enum|union)([ \t{]|$)/ && code !~ /\(/) {
        find(FNR, "typedef", "structs, unions and enums are spelled out")
    }
    if (code ~ /^#[ \t]*if/ && code !~ /__cplusplus/ && code !~ /^#ifndef MUSTER_[A-Z0-9_]*_H$/) {
        conditionals[layer]++
        last_conditional[layer] = FILENAME_OF ":" FNR
    }
}

# The guard is the first code of a header: two lines, and #endif the last.
function check_guard() {
    if (code ~ /^[ \t]*$/) {
        return
    }
    last_code = trim(code)
    last_code_line = FNR
    code_lines++
    if (code_lines == 1 && trim(code) != "#ifndef " guard) {
        find(FNR, "guard", "the header must begin with #ifndef " guard)
    } else if (code_lines == 2 && trim(code) != "#define " guard) {
        find(FNR, "guard", "the second line of code must be #define " guard)
    }
}

# Prototypes: statements at depth 0 with a parenthesis. A comment covers the statements
# below it up to the next empty line.
function check_prototype(   line, opens, closes) {
    if ($0 ~ /^[ \t]*$/) {
        covered = 0
        return
    }
    if (had_comment) {
        covered = 1
    }
    line = code
    if (line ~ /^#/ || line ~ /^extern ""/ || (line ~ /^}/ && depth == 0)) {
        return
    }
    opens = gsub(/{/, "{", line)
    closes = gsub(/}/, "}", line)
    if (depth == 0 && trim(line) != "") {
        if (statement == "") {
            statement_line = FNR
            statement_covered = covered
        }
        statement = statement " " trim(line)
    }
    if (opens) {
        has_block = 1
    }
    depth += opens - closes
    if (depth > 0 || statement == "") {
        return
    }
    if (has_block && line ~ /}/ && line !~ /;[ \t]*$/) {
        statement = ""
        has_block = 0
        return
    }
    if (line !~ /;[ \t]*$/) {
        return
    }
    judge_statement(trim(statement))
    statement = ""
    has_block = 0
}

function judge_statement(words,   name) {
    if (has_block || words !~ /\(/ || words ~ /^(typedef|_Static_assert|static_assert|static inline)/ ||
        words ~ /^[^(]*=/) {
        return
    }
    name = words
    gsub(/__attribute__\(\([^)]*(\([^)]*\))?\)\)/, "", name)
    if (name !~ /\(/) {
        return
    }
    sub(/[ \t]*\(.*$/, "", name)
    sub(/^.*[ \t*]/, "", name)
    if (!public) {
        prototypes[layer]++
        if (!statement_covered) {
            bare[layer]++
            bare_list[layer] = bare_list[layer] FILENAME_OF ":" statement_line \
                ": prototype-comment: " name " has no comment above it (a layer needs 80 %)\n"
        }
        return
    }
    if (!statement_covered) {
        find(statement_line, "prototype-comment", name " has no comment above it (public: all need one)")
    }
    if (name !~ /^muster_/) {
        find(statement_line, "public-name", name " is public, so its name begins with muster_")
    }
}

function begin_file(   base) {
    FILENAME_OF = FILENAME
    sub(/^\.\//, "", FILENAME_OF)
    is_header = FILENAME_OF ~ /\.h$/
    public = FILENAME_OF ~ /^include\/muster\//
    layer = public ? public_owner(substr(FILENAME_OF, 9)) : layer_of(FILENAME_OF)
    guard = FILENAME_OF
    sub(/^include\/muster\//, "", guard)
    gsub(/[^A-Za-z0-9]/, "_", guard)
    guard = "MUSTER_" toupper(guard)
    own_header = ""
    if (FILENAME_OF ~ /\.c$/) {
        base = substr(FILENAME_OF, 1, length(FILENAME_OF) - 1) "h"
        own_header = base in exists ? base : ""
    }
    in_comment = in_print = includes = code_lines = depth = covered = has_block = 0
    statement = ""
    if ($0 != "/* SPDX-License-Identifier: Apache-2.0 */") {
        find(1, "spdx", "the first line must be /* SPDX-License-Identifier: Apache-2.0 */")
    }
    base = substr(FILENAME_OF, match(FILENAME_OF, /[^\/]*$/))
    if (base !~ /^[a-z][a-z0-9_]*\.[ch]$/) {
        find(1, "file-name", "file names are lower snake case")
    }
}

function end_file(lines,   limit) {
    limit = is_header ? 200 : 600
    if (lines > limit) {
        find(lines, "file-size", lines " lines, at most " limit " (two rooms would be better)")
    }
    if (is_header && (code_lines < 3 || last_code !~ /^#endif/)) {
        find(last_code_line ? last_code_line : 1, "guard", "the header must end with #endif")
    }
    lines_of[layer] += lines
}

BEGIN {
    read_layers()
    read_banned()
    for (i = 1; i < ARGC; i++) {
        sub(/^\.\//, "", ARGV[i])
        exists[ARGV[i]] = 1
    }
}

FNR == 1 {
    if (NR > 1) {
        end_file(last_line)
    }
    begin_file()
}

{
    last_line = FNR
    strip($0)
    check_include()
    check_banned()
    check_sql()
    check_words()
    if (is_header) {
        check_guard()
        check_prototype()
    }
}

END {
    if (NR > 0) {
        end_file(last_line)
    }
    for (name in prototypes) {
        if (bare[name] * 100 > prototypes[name] * 20) {
            printf "%s", bare_list[name]
        }
    }
    for (name in conditionals) {
        least = lines_of[name] < 1000 ? 1000 : lines_of[name]
        if (conditionals[name] * 1000 > 5 * least) {
            printf "%s: conditional: %d #if in %d lines of %s, at most 5 in 1,000\n",
                last_conditional[name], conditionals[name], lines_of[name], name
        }
    }
}
