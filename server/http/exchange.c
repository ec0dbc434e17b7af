/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/exchange.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    DISCARD_BYTES_MAX = 64 * 1024, /* a body of a refused request that is read over */
    FREE_BODY_BYTES = 1024 * 1024, /* beyond it the body's deadline grows */
    TARGET_ARENA_BYTES = 16 * 1024,
    AGENT_LOG_BYTES = 81,
};

/* ---- the answer log ------------------------------------------------------------- */

/* A signed link opens what it names: its query does not go into the log. */
static const char *logged_target(const struct exchange *x)
{
    const struct route *route = x->request.route;
    return route && route->access == ACCESS_TOKEN_OR_LINK ? x->request.path
                                                          : x->raw_target;
}

static void log_answer(const struct exchange *x, bool is_complete)
{
    const struct request *request = &x->request;
    const char *trace = guard_field(&x->head, "traceparent");
    const char *agent = guard_field(&x->head, "User-Agent");
    char short_agent[AGENT_LOG_BYTES]; /* the line has room for 2 KiB in all */
    (void)snprintf(short_agent, sizeof short_agent, "%s", agent ? agent : "-");
    log_event(LOG_LEVEL_INFO, "request", log_text("id", request->id),
              log_text("client", request->client),
              log_text("method", x->head.method ? x->head.method : "-"),
              log_text("route", request->route ? request->route->path : "-"),
              log_int("status", x->sent_status),
              log_text("code", x->status == OK ? "ok" : status_name(x->status)),
              log_int("bytes_in", (int64_t)request->body_len),
              log_int("bytes_out", (int64_t)x->sent_bytes),
              log_int("duration_us", clock_mono_us() - x->started_us),
              log_text("complete", is_complete ? "yes" : "no"),
              log_int("principal", request->principal.id),
              log_text("traceparent", trace ? trace : "-"),
              log_text("agent", short_agent), log_text("target", logged_target(x)));
}

static void count_answer(const struct exchange *x, int64_t now_us)
{
    struct http *http = x->http;
    int class = x->sent_status / 100;
    (void)atomic_fetch_add(&http->by_class[class <= 5 ? class : 0], 1);
    if (x->match.route) {
        struct route_stats *stats = &http->routes[x->match.index];
        (void)atomic_fetch_add(&stats->requests, 1);
        (void)atomic_fetch_add(&stats->total_us, (uint64_t)(now_us - x->started_us));
    }
}

/* ---- handing over to another thread ---------------------------------------------- */

static enum status job_run(struct job *job, void *scope)
{
    struct exchange *x = (struct exchange *)job;
    x->request.scope = scope;
    x->status = x->request.route->handle(&x->request, &x->response);
    x->request.scope = NULL;
    return x->status;
}

static void job_done(struct job *job, enum status status, const struct err *err)
{
    struct exchange *x = (struct exchange *)job;
    struct http *http = x->http;
    if (x->status == OK && status != OK) {
        x->status = status;
        (void)err_set(&x->request.err, status, "%s", err ? err->detail : "");
    }
    if (status == OK) {
        (void)atomic_fetch_add(&http->jobs_done, 1);
    }
    x->state = EXCHANGE_FINISHED;
    MHD_resume_connection(x->mhd);
    /* From here on the event thread owns the exchange. */
    (void)atomic_fetch_sub(&http->jobs, 1);
}

/* The library calls again, so it has gone on with the connection. */
void exchange_note_resumed(struct exchange *exchange)
{
    if (exchange->suspended) {
        exchange->suspended = false;
        (void)atomic_fetch_sub(&exchange->http->suspended, 1);
    }
}

/* A request that comes when the server has drained already. */
static enum MHD_Result refuse_late(struct exchange *x)
{
    exchange_note_resumed(x);
    x->status = err_set(&x->request.err, ERR_UNAVAILABLE, "the server stops");
    return answer_queue(x);
}

static enum MHD_Result hand_over(struct exchange *x, enum job_place place)
{
    struct http *http = x->http;
    /* Counted before it looks: http_close sees the count or this sees that it closed. */
    x->suspended = true;
    (void)atomic_fetch_add(&http->suspended, 1);
    if (atomic_load(&http->closed)) {
        return refuse_late(x);
    }
    x->job = (struct job){.run = job_run,
                          .done = job_done,
                          .source = (uint64_t)x->request.principal.id,
                          .savepoint = x->request.route->savepoint};
    x->state = EXCHANGE_RUNNING;
    (void)atomic_fetch_add(&http->jobs, 1);
    MHD_suspend_connection(x->mhd);
    struct err err = {0};
    enum status status =
        http->options.submit
            ? http->options.submit(http->options.submit_context, place, &x->job, &err)
            : err_set(&err, ERR_UNAVAILABLE, "no place for jobs");
    if (status != OK) {
        admission_overloaded(x);
        job_done(&x->job, status, &err);
    }
    return MHD_YES;
}

static enum MHD_Result call_handler(struct exchange *x)
{
    const struct route *route = x->request.route;
    switch (route->mode) {
    case ROUTE_INLINE:
        x->status = route->handle(&x->request, &x->response);
        return answer_queue(x);
    case ROUTE_READER:
        return hand_over(x, JOB_READER);
    case ROUTE_WRITER:
        return hand_over(x, JOB_WRITER);
    case ROUTE_WORKER:
        return hand_over(x, JOB_WORKER);
    }
    return MHD_NO;
}

/* ---- the body --------------------------------------------------------------------- */

static void decide(struct exchange *x, enum status status)
{
    if (status == ERR_UNAVAILABLE) {
        admission_overloaded(x);
    }
    x->status = status;
    x->decided = true;
    body_release(&x->body);
}

static void take_body(struct exchange *x, const char *data, size_t len)
{
    x->received_bytes += len;
    if (x->decided) {
        return;
    }
    enum status status = body_add(&x->body, data, len, &x->request.err);
    if (status != OK) {
        x->closes = true;
        decide(x, status);
    }
}

static enum status decode_body(struct exchange *x, const char *encoding)
{
    struct http *http = x->http;
    size_t max = x->request.route->body_max;
    if (!http->options.decode) {
        return err_set(&x->request.err, ERR_HTTP_MEDIA_TYPE,
                       "encodings are not accepted");
    }
    enum status status = body_reserve(&x->body, max, &x->request.err);
    if (status == OK) {
        const char *name = strcasecmp(encoding, "zstd") == 0 ? "zstd" : "gzip";
        status = http->options.decode(&x->request, name, x->body.data, x->body.len, max);
    }
    return status;
}

static enum MHD_Result end_of_body(struct exchange *x)
{
    struct request *request = &x->request;
    deadline_set(x->connection->deadline, DEADLINE_NONE, 0);
    if (x->framing.has_length && x->received_bytes != x->framing.length) {
        return MHD_NO; /* the client went away in the middle */
    }
    if (x->decided) {
        return answer_queue(x);
    }
    const char *encoding = guard_field(&x->head, "Content-Encoding");
    if (x->body.data) {
        request->body = x->body.data;
        request->body_len = x->body.len;
    }
    if (request->body && encoding && strcasecmp(encoding, "identity") != 0) {
        x->status = decode_body(x, encoding);
    }
    if (x->status == ERR_UNAVAILABLE) {
        admission_overloaded(x);
    }
    if (x->status == OK && request->route->prepare) {
        x->status = request->route->prepare(request, &x->response);
    }
    return x->status == OK ? call_handler(x) : answer_queue(x);
}

/* ---- the head -----------------------------------------------------------------------
 */

/* A refused request's body that is short and of known length is read over, so that the
 * connection lives on; otherwise the answer goes out at once and the library closes. */
static bool can_read_over(const struct exchange *x)
{
    return !x->framing.chunked && !x->framing.expects_continue &&
           x->framing.length <= DISCARD_BYTES_MAX;
}

static void start_body_deadline(struct exchange *x)
{
    const struct http_limits *limits = &x->http->options.limits;
    uint64_t paid =
        x->framing.length > FREE_BODY_BYTES ? x->framing.length - FREE_BODY_BYTES : 0;
    int64_t extra_ms = (int64_t)(paid * 1000 / limits->min_bytes_per_s);
    deadline_set(x->connection->deadline, DEADLINE_BODY,
                 clock_mono_ms() + limits->body_timeout_ms + extra_ms);
}

static enum MHD_Result begin(struct exchange *x, const char *method, const char *version)
{
    bool must_close = false;
    x->request.received_ms = clock_wall_ms();
    enum status status = admission_check(x, method, version, &must_close);
    if (status != OK) {
        decide(x, status);
    }
    if (must_close || (x->decided && !can_read_over(x))) {
        x->closes = true;
        return answer_queue(x);
    }
    x->state = EXCHANGE_BODY;
    if (x->framing.chunked || x->framing.length > 0) {
        start_body_deadline(x);
    }
    return MHD_YES;
}

/* ---- libmicrohttpd's callbacks ------------------------------------------------------
 */

static void make_id(struct http *http, char ret_id[static 17])
{
    /* splitmix64: distinct for 2^64 requests, and not a secret */
    uint64_t z =
        http->id_seed + atomic_fetch_add(&http->id_next, 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
    for (int i = 15; i >= 0; i--, z >>= 4) {
        ret_id[i] = "0123456789abcdef"[z & 15];
    }
    ret_id[16] = '\0';
}

/* Each event thread keeps the exchange that it ended last, with a block of its arena, for
 * the next request: an allocator takes longer than a poll's own work. */
static _Atomic(struct exchange *) *spare_of(struct http *http)
{
    static atomic_uint threads;
    static _Thread_local unsigned number; /* 0: none yet */
    if (number == 0) {
        number = atomic_fetch_add(&threads, 1) % HTTP_SPARES + 1;
    }
    return &http->spares[number - 1];
}

static struct exchange *exchange_new(struct http *http)
{
    struct exchange *x = atomic_exchange(spare_of(http), NULL);
    if (!x) {
        return calloc(1, sizeof *x);
    }
    struct arena arena = x->request.arena;
    memset(x, 0, sizeof *x);
    x->request.arena = arena;
    return x;
}

void exchange_free(struct exchange *exchange)
{
    if (exchange) {
        arena_release(&exchange->request.arena);
        free(exchange);
    }
}

static void exchange_end(struct exchange *x, struct http *http)
{
    arena_reset(&x->request.arena);
    exchange_free(atomic_exchange(spare_of(http), x));
}

void *exchange_on_target(void *context, const char *raw, struct MHD_Connection *mhd)
{
    struct http *http = context;
    struct connection *connection = connection_of(mhd);
    struct exchange *x = connection ? exchange_new(http) : NULL;
    if (!x) {
        return NULL;
    }
    x->http = http;
    x->mhd = mhd;
    x->connection = connection;
    x->started_us = clock_mono_us();
    x->request.arena.max = TARGET_ARENA_BYTES;
    x->request.context = http->options.context;
    x->request.internal = x;
    memcpy(x->request.client, connection->client, sizeof x->request.client);
    make_id(http, x->request.id);
    x->raw_target = arena_strdup(&x->request.arena, raw ? raw : "");
    (void)atomic_fetch_add(&http->in_flight, 1);
    if (deadline_phase(connection->deadline) == DEADLINE_IDLE) {
        deadline_set(connection->deadline, DEADLINE_HEAD,
                     x->started_us / 1000 + http->options.limits.head_timeout_ms);
    }
    return x;
}

// NOLINTNEXTLINE(readability-function-size): the library fixes the parameters
enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *mhd,
                                    const char *url, const char *method,
                                    const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **request_context)
{
    struct exchange *x = *request_context;
    (void)context;
    (void)mhd;
    (void)url;
    if (!x || !x->raw_target) {
        return MHD_NO;
    }
    switch (x->state) {
    case EXCHANGE_NEW:
        return begin(x, method, version);
    case EXCHANGE_BODY:
        if (*upload_data_size == 0) {
            return end_of_body(x);
        }
        take_body(x, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return MHD_YES;
    case EXCHANGE_FINISHED:
        exchange_note_resumed(x);
        return answer_queue(x);
    case EXCHANGE_RUNNING:
    case EXCHANGE_ANSWERED:
        break;
    }
    return MHD_NO;
}

void exchange_on_completed(void *context, struct MHD_Connection *mhd,
                           void **request_context, enum MHD_RequestTerminationCode reason)
{
    struct http *http = context;
    struct exchange *x = *request_context;
    (void)mhd;
    *request_context = NULL;
    if (!x) {
        return;
    }
    assert(x->state != EXCHANGE_RUNNING);
    stream_close(x->stream);
    exchange_note_resumed(x);
    int64_t now_us = clock_mono_us();
    count_answer(x, now_us);
    if (!http->options.quiet) {
        log_answer(x, reason == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
    deadline_set(x->connection->deadline, DEADLINE_IDLE,
                 now_us / 1000 + http->options.limits.idle_timeout_ms);
    if (x->response.has_file) {
        (void)close(x->response.file_fd);
    }
    body_release(&x->body);
    if (x->in_flight) {
        flights_leave(http->node_flights, x->request.principal.id);
    }
    exchange_end(x, http);
    (void)atomic_fetch_sub(&http->in_flight, 1);
}
