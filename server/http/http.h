/* SPDX-License-Identifier: Apache-2.0 */
/* http: the daemon: listener, framing guard, deadlines, connection limits, dispatch.
 *
 * The only folder that calls libmicrohttpd. It knows nothing of the store or the
 * services: the program hands in the route table, an authenticator, a place to run jobs
 * and a body decoder. http_close drains: it stops accepting, lets running jobs finish,
 * answers them, then stops. */
#ifndef MUSTER_SERVER_HTTP_HTTP_H
#define MUSTER_SERVER_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"
#include "server/http/route.h"

struct http;

struct http_limits {
    unsigned threads;                     /* event threads, 2 */
    unsigned max_connections;             /* 10,000 */
    unsigned max_connections_per_address; /* 2,000 */
    unsigned max_headers;                 /* 64 */
    size_t head_bytes;                    /* 3,072 */
    size_t target_bytes;                  /* 2,048 */
    int64_t head_timeout_ms;              /* absolute, 10 s */
    int64_t body_timeout_ms;              /* absolute, 30 s */
    int64_t idle_timeout_ms;              /* keep-alive, 75 s */
    int64_t send_timeout_ms; /* 60 s, and time for the bytes at the rate below */
    size_t min_bytes_per_s;  /* what a slow client must manage, 64 KiB */
    size_t bodies_bytes;     /* all bodies in flight together; 503 beyond */
    /* Token buckets, 429 beyond; 0: no limit. The node's are for metered routes. */
    int64_t address_requests_per_s, address_burst; /* 5,000 and 20,000 */
    int64_t node_reports_per_s, node_burst;        /* 50 and 500 */
    unsigned node_in_flight; /* metered requests of a node at once, 16; 429 beyond */
    unsigned max_streams;    /* answers that go on, 64; 503 beyond */
};

struct http_options {
    const struct route *routes;
    size_t route_count;
    struct http_limits limits;
    void *context; /* handed to every request */
    /* Finds out who calls from the token behind "Bearer " (NULL: no Authorization
     * header). Inline; fills request->principal. ERR_AUTH_REQUIRED when the token is not
     * good. */
    enum status (*authenticate)(struct request *request, const char *token);
    void *submit_context; /* handed to submit */
    /* Queues a job at a place; ERR_UNAVAILABLE when it cannot. */
    enum status (*submit)(void *submit_context, enum job_place place, struct job *job,
                          struct err *err);
    /* Decodes a body: `encoding` is "zstd" or "gzip"; at most `max` bytes into the
     * request's arena. ERR_CONTENT_*. */
    enum status (*decode)(struct request *request, const char *encoding, const char *data,
                          size_t len, size_t max);
    bool quiet; /* no log line a request */
};

/* Counters for metrics; all only grow but the last three. */
struct http_counters {
    uint64_t requests_by_class[6]; /* index status/100; 0: closed without an answer */
    uint64_t refused_connections;
    uint64_t framing_refused;
    uint64_t deadline_closed;
    uint64_t limited_by_address, limited_by_node; /* answered 429 */
    uint64_t overloaded; /* answered 503: bodies or a queue were full */
    uint64_t connections;
    uint64_t in_flight;
    uint64_t streams; /* answers that go on */
};

/* The limits of docs/PROTOCOL.md. */
struct http_limits http_limits_default(void);

/* Listens on "ADDRESS:PORT" (port 0: any; "[::1]:8080" for IPv6) and starts serving.
 * ERR_CONFIG for a bad address, ERR_IO if it cannot be bound. */
enum status http_open(const struct http_options *options, const char *listen,
                      struct http **ret_http, struct err *err) MUST_USE;

/* The bound address "127.0.0.1:41234". Lives as long as `http`. */
const char *http_address(const struct http *http);

/* Once, before http_open: what ends the program when libmicrohttpd cannot go on, which it
 * would do without a word. The reason is logged before. `end` does not return. */
void http_on_panic(void (*end)(void));

/* Stops accepting, waits up to `drain_ms` for requests in flight, stops. NULL is allowed.
 */
void http_close(struct http *http, int64_t drain_ms);

/* The next text of every stream that is open, and how many are. Thread-safe. */
void http_publish(struct http *http, const char *text, size_t len);
size_t http_streams(const struct http *http);

/* Ends the streams of API tokens that `is_good` does not find good. */
void http_streams_check(struct http *http,
                        bool (*is_good)(void *context, int64_t token_id), void *context);

void http_counters_read(const struct http *http, struct http_counters *ret_counters);

/* Answered requests and their total time per route, for metrics; index as in the route
 * table. */
uint64_t http_route_requests(const struct http *http, size_t route_index);
uint64_t http_route_total_us(const struct http *http, size_t route_index);

#endif
