/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

enum {
    SURROGATE_FIRST = 0xd800,
    SURROGATE_LAST = 0xdfff,
    BEYOND_PLANE_0 = 0x10000,
    CODE_MAX = 0x10ffff,
};

/* What the first byte of a character says; 0: it is none. */
static size_t announced(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    return first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t utf8_length(const char *at, const char *end)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, BEYOND_PLANE_0};
    unsigned char first = (unsigned char)*at;
    size_t len = announced(first);
    if (len <= 1 || (size_t)(end - at) < len) {
        return len == 1;
    }
    uint32_t code = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | ((unsigned char)at[i] & 0x3fu);
    }
    bool surrogate = code >= SURROGATE_FIRST && code <= SURROGATE_LAST;
    return code < smallest[len] || code > CODE_MAX || surrogate ? 0 : len;
}

bool utf8_is_valid(const char *text)
{
    const char *end = text + strlen(text);
    while (text < end) {
        size_t len = utf8_length(text, end);
        if (len == 0) {
            return false;
        }
        text += len;
    }
    return true;
}

/* Whether the text ends before the character at `at` does. */
static bool is_cut(const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    if (left >= announced((unsigned char)*at)) {
        return false;
    }
    for (size_t i = 1; i < left; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

void utf8_mend(char *text)
{
    char *end = text + strlen(text);
    for (char *at = text; at < end;) {
        size_t len = utf8_length(at, end);
        if (len == 0 && is_cut(at, end)) {
            *at = '\0';
            return;
        }
        if (len == 0) {
            *at = '?';
            len = 1;
        }
        at += len;
    }
}
