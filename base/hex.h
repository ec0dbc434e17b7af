/* SPDX-License-Identifier: Apache-2.0 */
/* hex: lower-case hexadecimal text of bytes, and unpadded base64url for tokens. */
#ifndef MUSTER_BASE_HEX_H
#define MUSTER_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Writes 2*len lower-case digits and a NUL into `ret_text` (2*len+1 bytes). */
void hex_encode(const uint8_t *data, size_t len, char *ret_text);

/* Reads exactly 2*len digits (either case) of the NUL-terminated `text` into `ret_data`.
 * ERR_INVALID_ARGUMENT for any other length or character; `ret_data` is untouched then.
 */
enum status hex_decode(const char *text, uint8_t *ret_data, size_t len,
                       struct err *err) MUST_USE;

/* Writes ceil(len*4/3) characters of base64url without padding and a NUL. */
void base64url_encode(const uint8_t *data, size_t len, char *ret_text);

/* Reads the base64url text of exactly `len` bytes. */
enum status base64url_decode(const char *text, uint8_t *ret_data, size_t len,
                             struct err *err) MUST_USE;

#endif
