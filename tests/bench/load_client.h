/* SPDX-License-Identifier: Apache-2.0 */
/* load_client: the HTTP/1.1 client of bench_load: many keep-alive connections, each with
 * one request in flight, in one thread over epoll. What is asked, and which answer is
 * good, is a struct work's. A connection that the other side ends is opened again. */
#ifndef MUSTER_TESTS_BENCH_LOAD_CLIENT_H
#define MUSTER_TESTS_BENCH_LOAD_CLIENT_H

#include "base/buf.h"
#include "format/histogram.h"
#include "tests/bench/load.h"

enum { ANSWER_BYTES_MAX = 16384 };

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_SENDING,
    EXCHANGE_READING,
    EXCHANGE_RESTING
};

/* One connection and the request that is in flight on it. */
struct exchange {
    unsigned index; /* 0 … connections - 1 */
    int fd;
    enum exchange_state state;
    bool wants_out; /* epoll watches for room to send */
    struct buf request;
    size_t sent;
    int64_t began_us, due_us;
    char answer[ANSWER_BYTES_MAX];
    size_t received;
    int64_t node;  /* index into the fleet, where the work has one */
    void *context; /* the work's */
};

struct answer {
    int status;
    const char *body; /* not terminated */
    size_t len;
};

/* What is asked. */
struct work {
    /* Puts a whole request into exchange->request; false: this connection is done. */
    bool (*next)(struct work *work, struct exchange *exchange);
    /* Whether the answer is the one that is wanted. */
    bool (*accept)(struct work *work, struct exchange *exchange,
                   const struct answer *answer);
    unsigned units;             /* predictions that a good answer stands for */
    int64_t bodies, body_bytes; /* of what was asked, where that is counted */
};

/* Processor time and bytes written of the server's processes. */
struct usage {
    double cpu_s;
    int64_t written_bytes;
};

/* What came of it: everything, and the part between warm-up and end. */
struct load_result {
    int64_t answered, failed, reconnects; /* over all */
    int64_t window_answered;
    int64_t bytes_sent; /* in the window */
    double window_s, own_cpu_s;
    struct usage server;
    int64_t latency[LATENCY_BUCKETS]; /* of the window's answers, by bucket */
    int64_t latency_max_us;
};

struct client {
    const struct load_options *options;
    int epoll_fd;
    struct exchange *exchanges;
    unsigned count, opened, active;
    int64_t now_us, warm_us, end_us; /* end_us 0: until the work is done */
    bool in_window, ending;
    struct usage server_before;
    double own_before_s;
    struct load_result result;
};

/* Prepares `connections` connections; opens none yet. */
void client_init(struct client *client, const struct load_options *options,
                 unsigned connections);

/* Closes what is open and frees. */
void client_release(struct client *client);

/* Runs `work` on all connections: for warm_s + seconds, or to its end where seconds is 0.
 * Opens at most 64 connections at a time. */
void client_run(struct client *client, struct work *work, double warm_s, double seconds);

/* A connected or connecting socket from the address that belongs to `index`. */
int client_socket(const struct load_options *options, unsigned index);

/* Prints the result as one line of JSON. */
void client_print(const struct client *client, const struct work *work);

/* Percentile 0 … 1 of the window's latencies, in microseconds. */
int64_t client_percentile_us(const struct load_result *result, double rank);

#endif
