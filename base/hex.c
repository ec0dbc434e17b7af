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

/* 0 … 63, or above for a character that is none of base64url. */
static unsigned base64url_value(char c)
{
    unsigned upper = (unsigned)(unsigned char)c - 'A';
    unsigned lower = (unsigned)(unsigned char)c - 'a';
    unsigned digit = (unsigned)(unsigned char)c - '0';
    return upper < 26   ? upper
           : lower < 26 ? lower + 26
           : digit < 10 ? digit + 52
           : c == '-'   ? 62
           : c == '_'   ? 63
                        : 64;
}

/* Every request of a node has a token to decode: libsodium's takes three times as long.
 */
enum status base64url_decode(const char *text, uint8_t *ret_data, size_t len,
                             struct err *err)
{
    size_t chars = strlen(text);
    bool good = chars == (len * 4 + 2) / 3;
    uint32_t bits = 0;
    unsigned held = 0; /* bits that are not written yet */
    size_t written = 0;
    for (size_t i = 0; good && i < chars; i++) {
        unsigned value = base64url_value(text[i]);
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
