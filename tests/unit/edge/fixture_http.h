/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_http: a small HTTP/1.1 server on a thread of its own, for tests of clients. A
 * thread and one request a connection; it can also misbehave: cut an answer, stall, never
 * end it, trickle, hang up. */
#ifndef MUSTER_TESTS_UNIT_EDGE_FIXTURE_HTTP_H
#define MUSTER_TESTS_UNIT_EDGE_FIXTURE_HTTP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct fixture_request {
    char method[16];
    char path[512];
    char token[256]; /* of Authorization: Bearer */
    char if_none_match[160];
    char range[64]; /* "" without one */
    char if_range[160];
    bool zstd; /* Content-Encoding: zstd */
    struct buf body;
};

enum fixture_manner {
    ANSWER_WHOLE,
    ANSWER_CUT,     /* half the body, or `part` bytes, then hangs up */
    ANSWER_STALL,   /* the same, then says nothing more until the client hangs up */
    ANSWER_TRICKLE, /* a byte now and then, never all of them */
    ANSWER_ENDLESS, /* the body again and again until the client has enough */
    ANSWER_NONE,    /* hangs up */
};

struct fixture_answer {
    int status;
    char headers[512]; /* further ones, each with CRLF */
    struct buf body;
    enum fixture_manner manner;
    size_t part;
};

typedef void fixture_handler(void *user, const struct fixture_request *request,
                             struct fixture_answer *answer);

struct fixture_http {
    int listener;
    uint16_t port;
    pthread_t thread;
    fixture_handler *handler; /* runs on threads of the server */
    void *user;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    int connections; /* open */
};

/* Starts on a free loopback port. */
void fixture_http_start(struct fixture_http *http, fixture_handler *handler, void *user);

/* Ends every thread, waiting for open connections. */
void fixture_http_stop(struct fixture_http *http);

#endif
