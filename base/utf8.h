/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: characters in bytes (RFC 3629).
 *
 * Texts of people, of programs and of foreign files are cut at the size of what holds
 * them; what goes on from there as JSON has to be whole characters. Nothing here
 * allocates, and every thread may call it.
 */
#ifndef MUSTER_BASE_UTF8_H
#define MUSTER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at `at`, which is before `end`; 0 when it is not valid. */
size_t utf8_length(const char *at, const char *end);

/* Whether all of `text` is. */
bool utf8_is_valid(const char *text);

/* Makes `text` valid where it stands: a character that is cut at its end goes, every
 * other byte that belongs to no character becomes '?'. */
void utf8_mend(char *text);

#endif
