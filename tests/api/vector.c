/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/api/harness.h"

enum { FILE_BYTES_MAX = 64 * 1024 };

/* Adds N times one character, "{N:c}", or a text, "{N|text|}". */
static const char *add_repeated(const char *p, struct buf *out)
{
    char *mark = NULL;
    unsigned long count = *p == '{' ? strtoul(p + 1, &mark, 10) : 0;
    const char *text = mark && *mark ? mark + 1 : "";
    bool is_letter = mark && *mark == ':' && text[0] && text[1] == '}';
    const char *end = is_letter              ? text + 1
                      : mark && *mark == '|' ? strstr(text, "|}")
                                             : NULL;
    if (!end) {
        fail_msg("unknown escape at '%.16s'", p);
        return p + strlen(p);
    }
    for (unsigned long i = 0; i < count; i++) {
        buf_add(out, text, (size_t)(end - text));
    }
    return end + (is_letter ? 1 : 2);
}

/* Adds what the escape behind a backslash stands for; returns what follows it. */
static const char *add_escape(const char *p, struct buf *out)
{
    static const char letters[] = "rnt0\\";
    static const char meanings[] = "\r\n\t\0\\";
    const char *letter = *p ? strchr(letters, *p) : NULL;
    if (letter) {
        buf_addc(out, meanings[letter - letters]);
        return p + 1;
    }
    if (*p == 'x') {
        char digits[3] = {p[1], p[1] ? p[2] : '\0', '\0'};
        buf_addc(out, (char)strtoul(digits, NULL, 16));
        return p + 3;
    }
    return add_repeated(p, out);
}

static void add_line(const char *line, size_t len, struct buf *out)
{
    const char *end = line + len;
    while (line < end) {
        if (*line != '\\') {
            buf_addc(out, *line++);
        } else {
            line = add_escape(line + 1, out);
        }
    }
}

static void read_expectation(const char *text, size_t len, struct vector *vector)
{
    char copy[256];
    char *rest = copy;
    (void)snprintf(copy, sizeof copy, "%.*s", (int)len, text);
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        if (strcmp(word, "close") == 0) {
            vector->closes = true;
        } else if (strcmp(word, "keep") != 0 && strcmp(word, "none") != 0 && *word) {
            assert_true(vector->expected_count < VECTOR_ANSWERS_MAX);
            (void)snprintf(vector->expected[vector->expected_count++],
                           sizeof vector->expected[0], "%s", word);
        }
    }
}

void vector_unescape(const char *text, size_t len, struct buf *out)
{
    const char *end = text + len;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = (size_t)((stop ? stop : end) - text);
        add_line(text, line_len, out);
        text += line_len + 1;
    }
}

void vector_read(const char *path, struct vector *ret_vector)
{
    BUF_AUTO text = BUF_INIT(FILE_BYTES_MAX);
    struct err err = {0};
    if (file_read(path, &text, &err) != OK) {
        fail_msg("%s", err.detail);
    }
    *ret_vector = (struct vector){.bytes = BUF_INIT(VECTOR_BYTES_MAX)};
    bool is_sending = false;
    const char *end = text.data + text.len;
    for (const char *line = text.data; line < end;) {
        size_t len = strcspn(line, "\n");
        if (is_sending) {
            add_line(line, len, &ret_vector->bytes);
        } else if (strncmp(line, "expect: ", 8) == 0) {
            read_expectation(line + 8, len - 8, ret_vector);
        } else if (strncmp(line, "send:", 5) == 0) {
            is_sending = true;
        } else if (*line != '#' && len > 0) {
            fail_msg("%s: unknown line '%.*s'", path, (int)len, line);
        }
        line += len + 1;
    }
    assert_true(is_sending);
    assert_false(ret_vector->bytes.failed);
}

bool vector_allows(const char *expected, int status)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", status);
    return strstr(expected, text) != NULL;
}
