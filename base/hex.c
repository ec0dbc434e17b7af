/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <sodium.h>
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

enum status base64url_decode(const char *text, uint8_t *ret_data, size_t len,
                             struct err *err)
{
    size_t chars = strlen(text);
    size_t written = 0;
    const char *end = NULL;
    if (chars != (len * 4 + 2) / 3 ||
        sodium_base642bin(ret_data, len, text, chars, NULL, &written, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        written != len || *end != '\0') {
        return err_set(err, ERR_INVALID_ARGUMENT, "not the base64url text of %zu bytes",
                       len);
    }
    return OK;
}
