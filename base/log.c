/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_BYTES = 2048 };

struct line {
    char text[LINE_BYTES];
    size_t len;
};

static atomic_int lowest = LOG_LEVEL_INFO;

static void put(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->text - 1 - line->len; /* one byte stays for the newline */
    size_t taken = len < room ? len : room;
    memcpy(line->text + line->len, text, taken);
    line->len += taken;
}

static bool is_plain(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 127) {
            return false;
        }
    }
    return true;
}

static void put_quoted(struct line *line, const char *text)
{
    put(line, "\"", 1);
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        char escaped[8];
        int len = 1;
        escaped[0] = *p;
        if (c == '"' || c == '\\') {
            len = snprintf(escaped, sizeof escaped, "\\%c", c);
        } else if (c < ' ' || c >= 127) {
            len = snprintf(escaped, sizeof escaped, "\\x%02x", c);
        }
        put(line, escaped, (size_t)len);
    }
    put(line, "\"", 1);
}

static void put_field(struct line *line, const struct log_field *field)
{
    put(line, " ", 1);
    put(line, field->key, strlen(field->key));
    put(line, "=", 1);
    if (!field->text) {
        char digits[24];
        int len = snprintf(digits, sizeof digits, "%lld", (long long)field->number);
        put(line, digits, (size_t)len);
    } else if (is_plain(field->text)) {
        put(line, field->text, strlen(field->text));
    } else {
        put_quoted(line, field->text);
    }
}

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, (int)level);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               int count)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if ((int)level < atomic_load(&lowest)) {
        return;
    }
    int64_t now = clock_wall_ms();
    char utc[RFC3339_BYTES];
    clock_format_utc(now, utc);
    utc[RFC3339_BYTES - 2] = '\0'; /* the Z goes behind the milliseconds */
    struct line line;
    int len = snprintf(line.text, sizeof line.text, "time=%s.%03dZ level=%s event=%.64s",
                       utc, (int)(now % 1000), names[level], event);
    line.len = (size_t)len;
    for (int i = 0; i < count; i++) {
        put_field(&line, &fields[i]);
    }
    line.text[line.len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
}
