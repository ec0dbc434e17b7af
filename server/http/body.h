/* SPDX-License-Identifier: Apache-2.0 */
/* body: the bytes of one request's body while they arrive.
 *
 * Bounded by the route's limit and by pools that many bodies share, so that many clients
 * together cannot take more memory than one number says, and those without credentials
 * not what the others need. */
#ifndef MUSTER_SERVER_HTTP_BODY_H
#define MUSTER_SERVER_HTTP_BODY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct body_pool {
    atomic_uint_fast64_t used; /* bytes of all bodies together */
    uint64_t max;
};

enum { BODY_POOLS = 2 };

struct body {
    char *data; /* NUL behind `len` bytes; NULL while empty */
    size_t len;
    size_t max;                          /* the route's limit */
    size_t capacity;                     /* bytes allocated */
    size_t reserved;                     /* bytes taken from each pool */
    struct body_pool *pools[BODY_POOLS]; /* NULL: none */
};

/* Takes `extra` more bytes from the pools; ERR_UNAVAILABLE when one is used up. */
enum status body_reserve(struct body *body, size_t extra, struct err *err) MUST_USE;

/* Allocates for a known length (0: unknown). ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum status body_expect(struct body *body, size_t len, struct err *err) MUST_USE;

/* Appends bytes. ERR_HTTP_TOO_LARGE beyond `max`, ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum status body_add(struct body *body, const char *data, size_t len,
                     struct err *err) MUST_USE;

/* Frees the bytes and gives back what was taken from the pools. */
void body_release(struct body *body);

#endif
