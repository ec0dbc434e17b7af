/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_text.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/utf8.h"

enum {
    SURROGATE_FIRST = 0xd800,
    SURROGATE_LOW = 0xdc00,
    SURROGATE_LAST = 0xdfff,
    BEYOND_PLANE_0 = 0x10000,
    HASH_PRIME = 2147483647, /* 2^31 - 1 */
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The 16-bit unit of four hex digits, or -1. */
static int32_t read_unit(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Length of `\uXXXX`, or of a pair of surrogates; 0 when it is wrong. */
static size_t unicode_escape_length(const char *at, const char *end)
{
    int32_t unit = read_unit(at + 2, end);
    if (unit <= 0 || (unit >= SURROGATE_LOW && unit <= SURROGATE_LAST)) {
        return 0;
    }
    if (unit < SURROGATE_FIRST || unit > SURROGATE_LAST) {
        return 6;
    }
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u') {
        return 0;
    }
    int32_t low = read_unit(at + 8, end);
    return low >= SURROGATE_LOW && low <= SURROGATE_LAST ? 12 : 0;
}

static size_t escape_length(const char *at, const char *end)
{
    if (end - at < 2) {
        return 0;
    }
    if (at[1] == 'u') {
        return unicode_escape_length(at, end);
    }
    return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) ? 2 : 0;
}

const char *json_text_check(const char *at, const char *end, struct json_text *ret_text,
                            const char **ret_stop)
{
    const char *from = at;
    bool escaped = false;
    while (at < end && *at != '"') {
        unsigned char c = (unsigned char)*at;
        size_t len = 1;
        if (c == '\\') {
            escaped = true;
            len = escape_length(at, end);
        } else if (c >= 0x80) {
            len = utf8_length(at, end);
        }
        if (len == 0 || c < 0x20) {
            *ret_stop = at;
            return c == '\\'   ? "an escape is wrong in a string"
                   : c >= 0x80 ? "a string is no UTF-8"
                               : "a control character in a string";
        }
        at += len;
    }
    *ret_stop = at;
    if (at == end) {
        return "a string does not end";
    }
    *ret_stop = at + 1;
    *ret_text = (struct json_text){from, (size_t)(at - from), escaped};
    return NULL;
}

static uint32_t escaped_code(const char **at)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *p = *at;
    if (p[1] != 'u') {
        const char *found = memchr(letters, p[1], sizeof letters - 1);
        *at = p + 2;
        return found ? (unsigned char)meant[found - letters] : 0;
    }
    uint32_t unit = (uint32_t)read_unit(p + 2, p + 6);
    if (unit < SURROGATE_FIRST || unit > SURROGATE_LAST) {
        *at = p + 6;
        return unit;
    }
    uint32_t low = (uint32_t)read_unit(p + 8, p + 12);
    *at = p + 12;
    return BEYOND_PLANE_0 + ((unit - SURROGATE_FIRST) << 10) + (low - SURROGATE_LOW);
}

/* The next character of a checked string, stepping over it. */
static uint32_t next_code(const char **at)
{
    unsigned char first = (unsigned char)**at;
    if (first == '\\') {
        return escaped_code(at);
    }
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | ((unsigned char)(*at)[i] & 0x3fu);
    }
    *at += len;
    return code;
}

/* A random number of this process, the same at every call; in [256, HASH_PRIME). */
static uint32_t secret_point(void)
{
    static atomic_uint point;
    unsigned value = atomic_load_explicit(&point, memory_order_relaxed);
    if (value != 0) {
        return value;
    }
    unsigned found = 0;
    if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        value = (unsigned)clock();
    }
    value = value % (HASH_PRIME - 256) + 256;
    return atomic_compare_exchange_strong(&point, &found, value) ? value : found;
}

uint32_t json_text_hash(const struct json_text *text)
{
    /* The characters as a polynomial at a secret point modulo a prime: two given keys of
     * n characters meet with a chance of n in 2^31, whoever chose them. */
    uint64_t point = secret_point();
    uint64_t hash = 1;
    for (const char *at = text->raw; at < text->raw + text->len;) {
        hash = (hash * point + next_code(&at)) % HASH_PRIME;
    }
    return (uint32_t)hash;
}

int json_text_compare(const char *left, const char *right)
{
    while (*left != '"' && *right != '"') {
        uint32_t a = next_code(&left);
        uint32_t b = next_code(&right);
        if (a != b) {
            return a < b ? -1 : 1;
        }
    }
    return (*left != '"') - (*right != '"');
}

static size_t put_code(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < BEYOND_PLANE_0 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xf00u >> len & 0xff) | code);
    return len;
}

size_t json_text_decode(const struct json_text *text, char *ret_text, size_t room)
{
    size_t used = 0;
    const char *end = text->raw + text->len;
    for (const char *at = text->raw; at < end;) {
        char bytes[4];
        size_t len = put_code(next_code(&at), bytes);
        if (used + len >= room) {
            return room;
        }
        memcpy(ret_text + used, bytes, len);
        used += len;
    }
    ret_text[used] = '\0';
    return used;
}
