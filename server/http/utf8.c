/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/utf8.h"

static bool is_utf8_tail(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

size_t utf8_length(const char *text)
{
    unsigned char a = (unsigned char)text[0];
    unsigned char b = a ? (unsigned char)text[1] : 0;
    if (a < 0x80) {
        return 1;
    }
    if (a >= 0xc2 && a <= 0xdf) {
        return is_utf8_tail(text + 1, 1) ? 2 : 0;
    }
    if (a >= 0xe0 && a <= 0xef) {
        bool bad = (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f);
        return !bad && is_utf8_tail(text + 1, 2) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        bool bad = (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f);
        return !bad && is_utf8_tail(text + 1, 3) ? 4 : 0;
    }
    return 0;
}

bool utf8_is_valid(const char *text)
{
    while (*text) {
        size_t len = utf8_length(text);
        if (len == 0) {
            return false;
        }
        text += len;
    }
    return true;
}

void utf8_repair(char *text)
{
    while (*text) {
        size_t len = utf8_length(text);
        if (len == 0) {
            *text = '?';
            len = 1;
        }
        text += len;
    }
}
