/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "server/http/exchange.h"

enum {
    FIELDS_HARD_MAX = 512, /* what the pool of a connection can hold is less */
    HEAD_ARENA_BYTES = 64 * 1024,
    ANSWER_ARENA_BYTES = 32 * 1024 * 1024,
};

struct collector {
    struct head_field *fields;
    size_t count;
};

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *key,
                               size_t key_size, const char *value, size_t value_size)
{
    struct collector *collector = context;
    (void)kind;
    if (collector->count == FIELDS_HARD_MAX) {
        return MHD_NO;
    }
    collector->fields[collector->count++] = (struct head_field){
        .name = key ? key : "",
        .name_len = key_size,
        .value = value ? value : "",
        .value_len = value ? value_size : 0,
    };
    return MHD_YES;
}

static enum status read_head(struct exchange *x, const char *method, const char *version)
{
    struct MHD_Connection *mhd = x->mhd;
    struct collector collector = {0};
    int count = MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, NULL, NULL);
    if (count > FIELDS_HARD_MAX) {
        return err_set(&x->request.err, ERR_HTTP_HEADERS_TOO_LARGE, "too many fields");
    }
    collector.fields =
        arena_array(&x->request.arena, (size_t)count + 1, sizeof *collector.fields);
    if (!collector.fields) {
        return err_set(&x->request.err, ERR_NO_MEMORY, "no memory for the head");
    }
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, collect, &collector);
    x->head = (struct head){
        .method = method,
        .version = version,
        .fields = collector.fields,
        .field_count = collector.count,
        .bytes = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                     ->header_size,
    };
    return OK;
}

static enum status check_framing(struct exchange *x, const char *method,
                                 const char *version)
{
    const struct http_limits *limits = &x->http->options.limits;
    struct guard_limits guard = {.head_bytes = limits->head_bytes,
                                 .max_fields = limits->max_headers};
    enum status status = read_head(x, method, version);
    if (status == OK) {
        status = guard_check(&x->head, &guard, &x->framing, &x->request.err);
    }
    if (status == OK) {
        status = target_parse(x->raw_target, limits->target_bytes, &x->request.arena,
                              &x->target, &x->request.err);
    }
    return status;
}

static enum status check_rights(struct exchange *x)
{
    struct request *request = &x->request;
    enum route_access access = request->route->access;
    if (access == ACCESS_PUBLIC) {
        return OK;
    }
    const char *header = guard_field(&x->head, "Authorization");
    if (access == ACCESS_TOKEN_OR_LINK && !header) {
        return OK;
    }
    bool is_bearer = header && strncasecmp(header, "Bearer ", 7) == 0;
    enum status status =
        x->http->options.authenticate && (is_bearer || !header)
            ? x->http->options.authenticate(request, header ? header + 7 : NULL)
            : ERR_AUTH_REQUIRED;
    if (status == ERR_AUTH_REQUIRED) { /* one answer, whatever is wrong with the token */
        err_clear(&request->err);
        return err_set(&request->err, status, "a valid bearer token is needed");
    }
    if (status != OK) {
        return status;
    }
    const struct principal *who = &request->principal;
    bool is_allowed = false;
    switch (access) {
    case ACCESS_PUBLIC:
        is_allowed = true;
        break;
    case ACCESS_NODE:
        is_allowed = who->kind == PRINCIPAL_NODE;
        break;
    case ACCESS_ANY_TOKEN:
    case ACCESS_TOKEN_OR_LINK:
        is_allowed = who->kind != PRINCIPAL_NONE;
        break;
    case ACCESS_VIEWER:
    case ACCESS_OPERATOR:
    case ACCESS_PUBLISHER:
    case ACCESS_ADMIN:
        is_allowed = who->kind == PRINCIPAL_API && (int)who->role - (int)ROLE_VIEWER >=
                                                       (int)access - (int)ACCESS_VIEWER;
        break;
    }
    return is_allowed ? OK
                      : err_set(&request->err, ERR_AUTH_FORBIDDEN,
                                "these credentials may not do this");
}

/* "application/json; charset=utf-8" is the media type "application/json". */
static bool is_media_type(const char *header, const char *wanted)
{
    size_t len = strlen(wanted);
    if (!header || strncasecmp(header, wanted, len) != 0) {
        return false;
    }
    const char *rest = header + len;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

static enum status check_media_type(struct exchange *x)
{
    const struct route *route = x->request.route;
    struct err *err = &x->request.err;
    const char *encoding = guard_field(&x->head, "Content-Encoding");
    if (route->content_type &&
        !is_media_type(guard_field(&x->head, "Content-Type"), route->content_type)) {
        return err_set(err, ERR_HTTP_MEDIA_TYPE, "the body must be '%s'",
                       route->content_type);
    }
    bool is_known = !encoding || strcasecmp(encoding, "identity") == 0 ||
                    (route->encoded && (strcasecmp(encoding, "zstd") == 0 ||
                                        strcasecmp(encoding, "gzip") == 0));
    return is_known ? OK
                    : err_set(err, ERR_HTTP_MEDIA_TYPE,
                              "the content encoding is not accepted here");
}

static enum status check_body(struct exchange *x)
{
    struct http *http = x->http;
    const struct route *route = x->request.route;
    bool is_public = route->access == ACCESS_PUBLIC;
    x->body =
        (struct body){.max = route->body_max,
                      .pools = {is_public ? &http->public_bodies : &http->bodies,
                                is_public ? peer_bodies(x->connection->peer) : NULL}};
    x->request.arena.max = ANSWER_ARENA_BYTES + 2 * route->body_max;
    if (!x->framing.chunked && x->framing.length == 0) {
        return OK;
    }
    if (x->framing.length > route->body_max || route->body_max == 0) {
        return err_set(&x->request.err, ERR_HTTP_TOO_LARGE,
                       "the body is over the limit of %zu bytes", route->body_max);
    }
    enum status status = check_media_type(x);
    return status == OK
               ? body_expect(&x->body, (size_t)x->framing.length, &x->request.err)
               : status;
}

static enum status find_route(struct exchange *x)
{
    struct router *router = &x->http->router;
    struct request *request = &x->request;
    request->method = guard_method(x->head.method);
    request->path = x->target.path;
    bool is_options = strcmp(request->method, "OPTIONS") == 0;
    enum status status = router_match(router, request->method, request->path,
                                      &request->arena, &x->match, &request->err);
    if (status == ERR_HTTP_METHOD) {
        const char *allow = router_allow(router, request->path, &request->arena);
        response_header(&x->response, "Allow", allow ? allow : "OPTIONS");
        if (is_options) {
            err_clear(&request->err);
            x->response.status = MHD_HTTP_NO_CONTENT;
            x->decided = true;
            return OK;
        }
    }
    if (status == OK) {
        request->route = x->match.route;
        request->method = x->match.route->method;
    }
    return status;
}

static enum status refuse(struct exchange *x, atomic_uint_fast64_t *counter,
                          int64_t wait_us, const char *detail)
{
    (void)atomic_fetch_add(counter, 1);
    x->request.retry_after_s = (unsigned)(wait_us / 1000000) + 1;
    return err_set(&x->request.err, ERR_HTTP_RATE_LIMITED, "%s", detail);
}

static enum status check_address(struct exchange *x)
{
    struct http *http = x->http;
    int64_t wait_us =
        buckets_take(http->address_buckets, peer_key(x->connection->peer), x->started_us);
    return wait_us == 0 ? OK
                        : refuse(x, &http->limited_by_address, wait_us,
                                 "too many requests from this address");
}

/* What one node can take of the memory for bodies and of the writer's queue. */
static enum status check_node(struct exchange *x)
{
    struct http *http = x->http;
    const struct principal *who = &x->request.principal;
    if (!x->request.route->metered || who->kind != PRINCIPAL_NODE) {
        return OK;
    }
    int64_t wait_us = buckets_take(http->node_buckets, (uint64_t)who->id, x->started_us);
    if (wait_us != 0) {
        return refuse(x, &http->limited_by_node, wait_us,
                      "this node sends faster than it may");
    }
    x->in_flight = flights_enter(http->node_flights, who->id);
    return x->in_flight ? OK
                        : refuse(x, &http->limited_by_node, 0,
                                 "too many requests of this node at once");
}

void admission_overloaded(struct exchange *exchange)
{
    struct http *http = exchange->http;
    (void)atomic_fetch_add(&http->overloaded, 1);
    exchange->request.retry_after_s =
        pressure_refuse(&http->pressure, clock_mono_ms(), atomic_load(&http->jobs_done));
}

enum status admission_check(struct exchange *exchange, const char *method,
                            const char *version, bool *ret_must_close)
{
    exchange->request.arena.max = HEAD_ARENA_BYTES;
    *ret_must_close = true;
    enum status status = check_framing(exchange, method, version);
    if (status != OK) {
        (void)atomic_fetch_add(&exchange->http->framing_refused, 1);
        return status;
    }
    *ret_must_close = false;
    status = check_address(exchange);
    if (status == OK) {
        status = find_route(exchange);
    }
    if (status != OK || exchange->decided) {
        return status;
    }
    status = check_rights(exchange);
    if (status == OK) {
        status = check_node(exchange);
    }
    return status == OK ? check_body(exchange) : status;
}
