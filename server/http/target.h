/* SPDX-License-Identifier: Apache-2.0 */
/* target: the raw request target (RFC 9112 origin form) taken apart and decoded.
 *
 * libmicrohttpd decodes `%00` to NUL and `%2e%2e%2f` to "../"; so its own result is never
 * used. What could mean two things to two programs is refused: anything but visible
 * ASCII, a `%` without two hex digits, `%00` and other encoded control characters, `%2e`,
 * `%2f` and `%5c`, empty segments, `.` and `..`, an absolute URI. The decoded texts are
 * UTF-8. */
#ifndef MUSTER_SERVER_HTTP_TARGET_H
#define MUSTER_SERVER_HTTP_TARGET_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { TARGET_QUERY_MAX = 32 };

struct query_pair {
    const char *name;
    const char *value;
};

struct target {
    const char *path; /* decoded, begins with '/' */
    struct query_pair query[TARGET_QUERY_MAX];
    size_t query_count;
};

/* Takes `raw` (NUL-terminated) apart; all texts come from `arena`. ERR_HTTP_URI_TOO_LONG
 * beyond `max_bytes`, ERR_HTTP_BAD_PATH for what the module comment refuses,
 * ERR_NO_MEMORY. */
enum status target_parse(const char *raw, size_t max_bytes, struct arena *arena,
                         struct target *ret_target, struct err *err) MUST_USE;

#endif
