/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
#ifndef MUSTER_SERVER_HTTP_UTF8_H
#define MUSTER_SERVER_HTTP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed character at `text` (NUL-terminated), 0 if there is none. */
size_t utf8_length(const char *text);

/* Whether all of the NUL-terminated text is well-formed. */
bool utf8_is_valid(const char *text);

/* Replaces, in place, every byte that is not part of a well-formed character by '?'. */
void utf8_repair(char *text);

#endif
