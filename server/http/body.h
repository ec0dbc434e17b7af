/* SPDX-License-Identifier: Apache-2.0 */
/* body: the bytes of one request's body while they arrive.
 *
 * Bounded twice: by the route's limit, and by a pool that all bodies of the daemon share,
 * so that many clients together cannot take more memory than one number says. */
#ifndef MUSTER_SERVER_HTTP_BODY_H
#define MUSTER_SERVER_HTTP_BODY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct body {
    char *data; /* NUL behind `len` bytes; NULL while empty */
    size_t len;
    size_t max;                 /* the route's limit */
    size_t capacity;            /* bytes allocated */
    size_t reserved;            /* bytes taken from the pool */
    atomic_uint_fast64_t *pool; /* bytes in use by all bodies */
    uint64_t pool_max;
};

/* Takes `extra` more bytes from the pool; ERR_UNAVAILABLE when it is used up. */
enum status body_reserve(struct body *body, size_t extra, struct err *err) MUST_USE;

/* Allocates for a known length (0: unknown). ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum status body_expect(struct body *body, size_t len, struct err *err) MUST_USE;

/* Appends bytes. ERR_HTTP_TOO_LARGE beyond `max`, ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum status body_add(struct body *body, const char *data, size_t len,
                     struct err *err) MUST_USE;

/* Frees the bytes and gives back what was taken from the pool. */
void body_release(struct body *body);

#endif
