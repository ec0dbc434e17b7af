/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/http/connection.h"
#include "server/http/daemon.h"
#include "server/http/exchange.h"
#include "server/http/listener.h"

enum {
    POOL_BYTES = 8 * 1024, /* a connection's memory; docs/SECURITY-NOTES.md */
    REFUSAL_ROOM = 1024,   /* connections beyond ours that the library takes to refuse */
    PUBLIC_BODIES_LEAST = 512 * 1024,
    RESERVED_FILES = 64,
    DRAIN_POLL_MS = 5,
    LAST_ANSWERS_MS = 1000, /* for the answers of jobs that ended late */
};

struct http_limits http_limits_default(void)
{
    return (struct http_limits){
        .threads = 2,
        .max_connections = 10000,
        .max_connections_per_address = 2000,
        .max_headers = 64,
        .head_bytes = 3072,
        .target_bytes = 2048,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 30000,
        .idle_timeout_ms = 75000,
        .send_timeout_ms = 60000,
        .min_bytes_per_s = 64 * 1024,
        .bodies_bytes = 256U * 1024 * 1024,
        .address_requests_per_s = 5000,
        .address_burst = 20000,
        .node_reports_per_s = 50,
        .node_burst = 500,
        .node_in_flight = 16,
        .max_streams = 64,
    };
}

/* Targets are decoded by target.c from the raw text; the library leaves its own copy. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

static void log_library(void *context, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void log_library(void *context, const char *format, va_list args)
{
    char text[256];
    (void)context;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_LEVEL_DEBUG, "libmicrohttpd", log_text("message", text));
}

/* Everything acknowledged is on disk. `context` is what http_on_panic was given. */
static void end_in_panic(void *context, const char *file, unsigned line,
                         const char *reason)
{
    void (*const *end)(void) = context;
    log_event(LOG_LEVEL_ERROR, "libmicrohttpd_panic", log_text("file", file),
              log_int("line", line), log_text("reason", reason));
    (void)fprintf(stderr, "musterd: libmicrohttpd cannot go on: %s", reason);
    (*end)();
}

static struct MHD_Daemon *start_library(struct http *http, int listen_fd)
{
    unsigned threads = http->options.limits.threads;
    struct MHD_OptionItem extra[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads,
         NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_request, http, /**/
        MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,   /* first: it logs the others */
        MHD_OPTION_LISTEN_SOCKET, listen_fd,             /**/
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, http->options.limits.max_connections + REFUSAL_ROOM,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, /* deadlines.h is stricter */
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, http, /**/
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, http,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, http,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, /**/
        MHD_OPTION_ARRAY, extra, MHD_OPTION_END);
}

static void release(struct http *http)
{
    deadlines_free(http->deadlines);
    peers_free(http->peers);
    buckets_free(http->address_buckets);
    buckets_free(http->node_buckets);
    flights_free(http->node_flights);
    streams_free(http->streams);
    for (int i = 0; i < HTTP_SPARES; i++) {
        exchange_free(http->spares[i]);
    }
    (void)pthread_mutex_destroy(&http->pressure.lock);
    free(http->routes);
    free(http);
}

/* The library spins when accept fails for want of descriptors, so the limit stays below
 * theirs: some are for files, the database and connections that are being refused. */
static void clamp_connections(struct http_limits *limits)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
        return;
    }
    uint64_t reserved = RESERVED_FILES + files.rlim_cur / 20;
    uint64_t room = files.rlim_cur > reserved + 1 ? files.rlim_cur - reserved : 1;
    if (limits->max_connections > room) {
        log_event(LOG_LEVEL_WARNING, "max_connections_lowered",
                  log_int("wanted", limits->max_connections),
                  log_int("now", (int64_t)room),
                  log_int("open_files", (int64_t)files.rlim_cur));
        limits->max_connections = (unsigned)room;
    }
}

/* Those without credentials get a part of the memory for bodies, and an address a part of
 * that. */
static void share_bodies(struct http *http)
{
    uint64_t all = http->options.limits.bodies_bytes;
    uint64_t eighth = all / 8 > PUBLIC_BODIES_LEAST ? all / 8 : PUBLIC_BODIES_LEAST;
    http->bodies.max = all;
    http->public_bodies.max = eighth;
}

static enum status make_tables(struct http *http, struct err *err)
{
    const struct http_limits *limits = &http->options.limits;
    share_bodies(http);
    enum status status = deadlines_new(limits->max_connections, &http->deadlines, err);
    if (status == OK) {
        status = peers_new(limits->max_connections, limits->max_connections_per_address,
                           http->public_bodies.max / 4, &http->peers, err);
    }
    if (status == OK) {
        status = buckets_new(limits->address_requests_per_s, limits->address_burst,
                             &http->address_buckets, err);
    }
    if (status == OK) {
        status = buckets_new(limits->node_reports_per_s, limits->node_burst,
                             &http->node_buckets, err);
    }
    if (status == OK) {
        status = flights_new(limits->node_in_flight, &http->node_flights, err);
    }
    if (status != OK) {
        return status;
    }
    http->streams = streams_new(limits->max_streams);
    return http->streams ? OK : err_set(err, ERR_NO_MEMORY, "no memory for streams");
}

static enum status start(struct http *http, const char *listen, struct err *err)
{
    enum status status = make_tables(http, err);
    int fd = -1;
    if (status == OK) {
        status = listener_open(listen, &fd, http->address, sizeof http->address, err);
    }
    if (status != OK) {
        return status;
    }
    http->daemon = start_library(http, fd);
    if (!http->daemon) {
        (void)close(fd);
        return err_set(err, ERR_IO, "could not start the HTTP daemon on '%s'", listen);
    }
    return OK;
}

enum status http_open(const struct http_options *options, const char *listen,
                      struct http **ret_http, struct err *err)
{
    struct http *http = calloc(1, sizeof *http);
    struct route_stats *routes = calloc(options->route_count + 1, sizeof *routes);
    if (!http || !routes) {
        free(http);
        free(routes);
        return err_set(err, ERR_NO_MEMORY, "no memory for the HTTP daemon");
    }
    http->options = *options;
    http->routes = routes;
    http->router = (struct router){options->routes, options->route_count, {0}};
    (void)pthread_mutex_init(&http->pressure.lock, NULL);
    clamp_connections(&http->options.limits);
    if (getrandom(&http->id_seed, sizeof http->id_seed, 0) < 0) {
        http->id_seed = (uint64_t)clock_mono_us();
    }
    enum status status = start(http, listen, err);
    if (status != OK) {
        release(http);
        return status;
    }
    *ret_http = http;
    return OK;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

static void pause_ms(int ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&span, NULL);
}

static void wait_for_requests(const struct http *http, int64_t at_most_ms)
{
    int64_t until_ms = clock_mono_ms() + at_most_ms;
    while (atomic_load(&http->in_flight) > 0 && clock_mono_ms() < until_ms) {
        pause_ms(DRAIN_POLL_MS);
    }
}

void http_on_panic(void (*end)(void))
{
    static void (*to_end)(void);
    to_end = end;
    MHD_set_panic_func(end_in_panic, (void *)&to_end);
}

void http_close(struct http *http, int64_t drain_ms)
{
    if (!http) {
        return;
    }
    /* From here on new connections are refused. MHD_quiesce_daemon would be the library's
     * way, but 0.9.75 aborts in it when an event thread takes the listening socket out of
     * its epoll set at the same moment. */
    atomic_store(&http->draining, true);
    streams_end(http->streams);
    wait_for_requests(http, drain_ms);
    /* Late clients are cut off; jobs cannot be, and stopping the library with a suspended
     * connection would abort: also with one that a new request on an open connection has
     * suspended since, or that waits for its event thread. */
    atomic_store(&http->closed, true);
    deadlines_expire_all(http->deadlines);
    while (atomic_load(&http->jobs) > 0 || atomic_load(&http->suspended) > 0) {
        pause_ms(DRAIN_POLL_MS);
    }
    wait_for_requests(http, LAST_ANSWERS_MS);
    MHD_stop_daemon(http->daemon);
    release(http);
}

void http_publish(struct http *http, const char *text, size_t len)
{
    streams_publish(http->streams, text, len);
}

size_t http_streams(const struct http *http)
{
    return streams_count(http->streams);
}

void http_streams_check(struct http *http,
                        bool (*is_good)(void *context, int64_t token_id), void *context)
{
    streams_check(http->streams, is_good, context);
}

void http_counters_read(const struct http *http, struct http_counters *ret_counters)
{
    for (size_t i = 0; i < 6; i++) {
        ret_counters->requests_by_class[i] = atomic_load(&http->by_class[i]);
    }
    ret_counters->refused_connections = atomic_load(&http->refused_connections);
    ret_counters->framing_refused = atomic_load(&http->framing_refused);
    ret_counters->deadline_closed = deadlines_expired(http->deadlines);
    ret_counters->limited_by_address = atomic_load(&http->limited_by_address);
    ret_counters->limited_by_node = atomic_load(&http->limited_by_node);
    ret_counters->overloaded = atomic_load(&http->overloaded);
    ret_counters->connections = peers_count(http->peers);
    ret_counters->in_flight = atomic_load(&http->in_flight);
    ret_counters->streams = streams_count(http->streams);
}

uint64_t http_route_requests(const struct http *http, size_t route_index)
{
    return atomic_load(&http->routes[route_index].requests);
}

uint64_t http_route_total_us(const struct http *http, size_t route_index)
{
    return atomic_load(&http->routes[route_index].total_us);
}
