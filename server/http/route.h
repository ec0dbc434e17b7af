/* SPDX-License-Identifier: Apache-2.0 */
/* route: the rows of the route table; server/api/routes.c holds the table itself.
 *
 * A request whose route is found runs `prepare` (if any) inline on the event thread, then
 * `handle` where the row's mode says. The connection is suspended meanwhile and the
 * answer is queued from the event thread after the job's `done`. Handlers are synchronous
 * and may use request->scope as their place's `struct db *`. */
#ifndef MUSTER_SERVER_HTTP_ROUTE_H
#define MUSTER_SERVER_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "server/http/request.h"
#include "server/http/response.h"

enum route_mode {
    ROUTE_INLINE, /* on the event thread: memory only, never waits */
    ROUTE_READER, /* a pool of reading connections */
    ROUTE_WRITER, /* the writer thread, inside the group's transaction */
    ROUTE_WORKER, /* hashing, verification, files */
};

enum route_access {
    ACCESS_PUBLIC,
    ACCESS_NODE,   /* a node's session token */
    ACCESS_VIEWER, /* an API token of at least this role … */
    ACCESS_OPERATOR,
    ACCESS_PUBLISHER,
    ACCESS_ADMIN,
    ACCESS_ANY_TOKEN,     /* a node's or any API token */
    ACCESS_TOKEN_OR_LINK, /* the same; without any, the handler decides (auth.required) */
};

typedef enum status route_handler(struct request *request, struct response *response);

struct route {
    const char *method;  /* "GET" also serves HEAD */
    const char *path;    /* "/v1/nodes/{id}"; "{name}" matches one segment */
    const char *summary; /* one line for the documents */
    enum route_mode mode;
    enum route_access access;
    size_t body_max;          /* bytes as sent and as decoded; 0: no body is accepted */
    const char *content_type; /* wanted when there is a body, e.g. "application/json" */
    bool encoded;             /* Content-Encoding zstd and gzip are decoded */
    bool metered;             /* counts against what its node may send */
    bool savepoint;           /* writer: give the handler a SAVEPOINT of its own */
    route_handler *prepare;   /* optional, inline, before the hand-over */
    route_handler *handle;
};

#endif
