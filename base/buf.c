/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->failed) {
        return NULL;
    }
    if (extra > buf->max || buf->len > buf->max - extra) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->len + extra + 1;
    if (need <= buf->cap) {
        return buf->data + buf->len;
    }
    size_t cap = buf->cap < 128 ? 256 : buf->cap * 2;
    if (cap < need) {
        cap = need;
    }
    if (cap > buf->max + 1) {
        cap = buf->max + 1;
    }
    char *data = realloc(buf->data, cap);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    buf->cap = cap;
    return data + buf->len;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    char *to = buf_reserve(buf, len);
    if (!to) {
        return;
    }
    if (len > 0) {
        memcpy(to, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_addstr(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_addc(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
    if (to) {
        (void)vsnprintf(to, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_addi(struct buf *buf, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    buf_add(buf, digits + at, sizeof digits - at);
}

static void add_json_char(struct buf *buf, unsigned char c)
{
    static const char *const shorts[32] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (c == '"' || c == '\\') {
        buf_addc(buf, '\\');
        buf_addc(buf, (char)c);
    } else if (c < 32 && shorts[c]) {
        buf_addstr(buf, shorts[c]);
    } else {
        buf_addf(buf, "\\u%04x", c);
    }
}

static bool is_escaped(unsigned char c)
{
    return c < 32 || c == '"' || c == '\\' || c == 127;
}

void buf_add_json(struct buf *buf, const char *text)
{
    buf_addc(buf, '"');
    for (const char *p = text; *p;) {
        const char *plain = p;
        while (*p && !is_escaped((unsigned char)*p)) {
            p++;
        }
        buf_add(buf, plain, (size_t)(p - plain));
        if (*p) {
            add_json_char(buf, (unsigned char)*p++);
        }
    }
    buf_addc(buf, '"');
}

enum status buf_status(const struct buf *buf, struct err *err)
{
    if (!buf->failed) {
        return OK;
    }
    return err_set(err, ERR_LIMIT,
                   "could not grow a buffer beyond %zu of at most %zu bytes", buf->len,
                   buf->max);
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data;
    if (!data) {
        data = calloc(1, 1);
    }
    *buf = (struct buf){.max = buf->max};
    return data;
}
