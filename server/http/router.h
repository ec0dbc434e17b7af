/* SPDX-License-Identifier: Apache-2.0 */
/* router: which row of the route table answers a method and a path.
 *
 * Templates are compared segment by segment; `{name}` takes one non-empty segment. Of
 * several that fit, the one with the fewest parameters wins, so that
 * /tuf/metadata/timestamp.json may stand beside /tuf/metadata/{file}. Pure functions. */
#ifndef MUSTER_SERVER_HTTP_ROUTER_H
#define MUSTER_SERVER_HTTP_ROUTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/http/route.h"

enum { ROUTE_PARAMS_MAX = 4, ROUTER_KNOWN = 64 };

/* The table to look in. */
struct router {
    const struct route *routes;
    size_t count;
    /* Rows without parameters that were found lately, by a hash of path and method: 1 and
     * the row's index, or 0. A guess, which is compared before it counts. */
    _Atomic uint16_t known[ROUTER_KNOWN];
};

struct route_param {
    const char *name; /* points into the template, `name_len` bytes */
    size_t name_len;
    const char *value; /* NUL-terminated, in the arena */
};

struct route_match {
    const struct route *route;
    size_t index; /* of the row in the table */
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t param_count;
};

/* Finds the row ("HEAD" finds "GET"). ERR_NOT_FOUND when no template fits the path,
 * ERR_HTTP_METHOD when some do but with other methods, ERR_NO_MEMORY. */
enum status router_match(struct router *router, const char *method, const char *path,
                         struct arena *arena, struct route_match *ret_match,
                         struct err *err) MUST_USE;

/* The methods of a path as the text of an Allow header ("GET, HEAD, OPTIONS"); NULL when
 * no template fits or memory ran out. */
const char *router_allow(const struct router *router, const char *path,
                         struct arena *arena);

#endif
