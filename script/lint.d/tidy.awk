# SPDX-License-Identifier: Apache-2.0
# Turns clang-tidy's and clang-format's reports into "file:line: rule: message".
#   awk -v root=/path/of/the/tree -f tidy.awk

# The size of a function stands in notes below the warning that names it.
function rule_of_note(text) {
    if (text ~ /lines including whitespace/) {
        return "function-size"
    }
    if (text ~ /nesting level/) {
        return "nesting"
    }
    return text ~ /parameters/ ? "parameters" : ""
}

# Foreign enums are open: a library may add values, so `default:` is right there.
function is_foreign(text) {
    return text ~ /'(CURL|JSON_|MHD_|SQLITE_|ZSTD_|LOG_|EVP_|_?SC_)/
}

# The macros of uthash, tolower and toupper open blocks and fall through; their insides are
# not the caller's doing.
function in_foreign_macro(file, number,   line, at) {
    for (at = 1; at <= number; at++) {
        if ((getline line < file) <= 0) {
            break
        }
    }
    close(file)
    return line ~ /((HASH|LL|DL|CDL)_[A-Z_]+|tolower|toupper)[ \t]*\(/
}

{
    if (!match($0, /^[^:]+:[0-9]+:[0-9]+: (warning|error|note): /)) {
        next
    }
    split($0, place, ":")
    text = substr($0, RLENGTH + 1)
    kind = substr($0, RSTART, RLENGTH)
    file = place[1]
    if (index(file, root "/") == 1) {
        file = substr(file, length(root) + 2)
    }
    sub(/^\.\//, "", file)
    if (file ~ /^\/|^build/) {
        next
    }
    check = ""
    if (match(text, /\[[a-z0-9,.-]+\]$/) || match(text, /\[-W[a-z0-9-]+\]$/)) {
        check = substr(text, RSTART + 1, RLENGTH - 2)
        sub(/,-warnings-as-errors$/, "", check)
        text = substr(text, 1, RSTART - 2)
    }
    if (kind ~ /note: $/) {
        rule = name == "" ? "" : rule_of_note(text)
        if (rule != "" && !(rule == "nesting" && in_foreign_macro(file, place[2]))) {
            printf "%s:%d: %s: %s: %s\n", file, place[2], rule, name, text
        }
        next
    }
    name = ""
    if (check == "readability-function-size") {
        name = text
        sub(/^function '/, "", name)
        sub(/'.*$/, "", name)
    } else if (check == "readability-braces-around-statements") {
        printf "%s:%d: braces: %s\n", file, place[2], text
    } else if (check == "-Wclang-format-violations") {
        printf "%s:%d: format: run clang-format-14 -i on it\n", file, place[2]
    } else if (check ~ /switch-enum|covered-switch-default/) {
        if (!is_foreign(text)) {
            printf "%s:%d: switch: %s: name every value and leave default: out\n", file, place[2], text
        }
    } else if (check ~ /^clang-diagnostic/) {
        diagnosed = 1
        if (!in_foreign_macro(file, place[2])) {
            printf "%s:%d: warning: %s [%s]\n", file, place[2], text, check
        }
    } else if (check == "tool") {
        broken = file
        broken_text = text
    }
}

# clang-tidy also fails where the compiler reports an error; then it has said where.
END {
    if (broken != "" && !diagnosed) {
        printf "%s:1: warning: %s [tool]\n", broken, broken_text
    }
}
