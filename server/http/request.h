/* SPDX-License-Identifier: Apache-2.0 */
/* request: one HTTP request as a handler sees it.
 *
 * Lives from the first handler call of the daemon until the connection completes it;
 * everything in it is owned by `arena` and dies with it. Handlers run on one thread at a
 * time but not always on the same one (see route.h). */
#ifndef MUSTER_SERVER_HTTP_REQUEST_H
#define MUSTER_SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct route;

/* Who calls. Filled by the authenticator that the program installs (http.h). */
enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_NODE, PRINCIPAL_API };
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_PUBLISHER, ROLE_ADMIN };

struct principal {
    enum principal_kind kind;
    enum role role;   /* API tokens */
    int64_t id;       /* node id, or API token id */
    const char *name; /* of an API token, in the request's arena */
};

struct request {
    const struct route *route;
    const char *method; /* "GET" also for HEAD */
    const char *path;   /* decoded, no query */
    char id[17];        /* 16 hex digits, also sent as X-Request-Id */
    char client[46];    /* peer address as text */
    struct principal principal;
    const char *body; /* decoded body, NUL-terminated; NULL without one */
    size_t body_len;
    int64_t received_ms; /* wall clock when the head was complete */
    struct arena arena;
    struct err err; /* detail of the status that a handler returns */
    void *prepared; /* left by `prepare` for `handle` */
    void *context;  /* what the program gave to http_open (the services) */
    void *scope;    /* the running thread's `struct db *`, NULL where there is none */
    /* Of an error answer: one more JSON member of the problem, such as
     * "\"server_ms\":123" (in the arena), and the least seconds of Retry-After (2 if 0).
     */
    const char *problem_member;
    unsigned retry_after_s;
    void *internal; /* the daemon's own */
};

/* A path parameter by its template name ("/v1/nodes/{id}" has "id"), decoded; never NULL.
 */
const char *request_param(const struct request *request, const char *name);

/* The path parameter as an integer > 0, or 404 not_found. */
enum status request_param_id(struct request *request, const char *name,
                             int64_t *ret_id) MUST_USE;

/* A query parameter, decoded, or NULL. */
const char *request_query(const struct request *request, const char *name);

/* The query's parameter number `index`, decoded; false beyond the last. */
bool request_query_at(const struct request *request, size_t index, const char **ret_name,
                      const char **ret_value) MUST_USE;

/* A query parameter as an integer; `fallback` when absent; 422 with pointer "?name" when
 * it is not an integer in [low, high]. */
enum status request_query_int(struct request *request, const char *name, int64_t low,
                              int64_t high, int64_t fallback,
                              int64_t *ret_value) MUST_USE;

/* A header's value (names are case-insensitive), or NULL. */
const char *request_header(const struct request *request, const char *name);

#endif
