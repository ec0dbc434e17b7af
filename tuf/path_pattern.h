/* SPDX-License-Identifier: Apache-2.0 */
/* path_pattern: shell patterns over target paths, as delegations have them.
 *
 * Pattern and path are split at '/', need equally many parts, and match part by part:
 * `*` any text (also none, also a leading dot), `?` one byte, `[abc]`, `[a-z]`, `[!a]`
 * one byte of a set; nothing is escaped. Bytes, not characters; no locale. fnmatch(3) is
 * not used because its time grows with the power of the stars in a pattern: here it is at
 * most pattern times path. */
#ifndef MUSTER_TUF_PATH_PATTERN_H
#define MUSTER_TUF_PATH_PATTERN_H

#include <stdbool.h>

bool path_pattern_match(const char *pattern, const char *path);

#endif
