/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void hex_encode(const uint8_t *data, size_t len, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = digits[data[i] >> 4];
        ret_text[2 * i + 1] = digits[data[i] & 15];
    }
    ret_text[2 * len] = '\0';
}

enum status hex_decode(const char *text, uint8_t *ret_data, size_t len, struct err *err)
{
    size_t found = strlen(text);
    if (found != 2 * len) {
        return err_set(err, ERR_INVALID_ARGUMENT,
                       "expected %zu hex digits, found %zu characters", 2 * len, found);
    }
    for (size_t i = 0; i < found; i++) {
        if (hex_digit(text[i]) < 0) {
            return err_set(err, ERR_INVALID_ARGUMENT, "not a hex digit at position %zu",
                           i);
        }
    }
    for (size_t i = 0; i < len; i++) {
        ret_data[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    }
    return OK;
}

void base64url_encode(const uint8_t *data, size_t len, char *ret_text)
{
    size_t room =
        sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)sodium_bin2base64(ret_text, room, data, len,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* The value of each character of base64url and 1 more; 0: it is none. */
static const uint8_t base64url_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
    ['_'] = 64,
};

/* Every request of a node has a token to decode, so this goes four characters at a time:
 * libsodium's takes ten times as long. */
enum status base64url_decode(const char *text, uint8_t *ret_data, size_t len,
                             struct err *err)
{
    const uint8_t *in = (const uint8_t *)text;
    size_t chars = strlen(text);
    bool good = chars == (len * 4 + 2) / 3;
    size_t i = 0;
    size_t written = 0;
    for (; good && i + 4 <= chars; i += 4, written += 3) {
        unsigned values[4];
        for (int k = 0; k < 4; k++) {
            values[k] = base64url_values[in[i + (size_t)k]] - 1U;
        }
        good = (values[0] | values[1] | values[2] | values[3]) < 64;
        ret_data[written] = (uint8_t)(values[0] << 2 | values[1] >> 4);
        ret_data[written + 1] = (uint8_t)(values[1] << 4 | values[2] >> 2);
        ret_data[written + 2] = (uint8_t)(values[2] << 6 | values[3]);
    }
    uint32_t bits = 0;
    unsigned held = 0; /* bits that are not written yet */
    for (; good && i < chars; i++) {
        unsigned value = base64url_values[in[i]] - 1U;
        good = value < 64;
        bits = bits << 6 | value;
        held += 6;
        if (good && held >= 8) {
            held -= 8;
            ret_data[written++] = (uint8_t)(bits >> held);
        }
    }
    if (!good || (bits & ((1U << held) - 1)) != 0) {
        return err_set(err, ERR_INVALID_ARGUMENT, "not the base64url text of %zu bytes",
                       len);
    }
    return OK;
}
