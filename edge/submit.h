/* SPDX-License-Identifier: Apache-2.0 */
/* submit: sends the oldest batch of the queue until the server has answered for it.
 *
 * One report is in flight at most. Every answer is handled as the table "What a client
 * does on each answer" of docs/PROTOCOL.md says. A step does at most one disk operation:
 * finalise (number and exact body stored before the first send), ack log, leave. The ack
 * log line is synced before the batch leaves the queue, so a crash between them repeats
 * the report and, marked duplicate, the line. */
#ifndef MUSTER_EDGE_SUBMIT_H
#define MUSTER_EDGE_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/backoff.h"
#include "edge/queue.h"
#include "edge/session.h"
#include "format/ack.h"
#include "format/report.h"

enum submit_phase {
    SUBMIT_IDLE,     /* looks at the queue */
    SUBMIT_SEND,     /* has a final batch in memory */
    SUBMIT_WAIT,     /* in flight */
    SUBMIT_RENUMBER, /* the stream is no good: a new one */
    SUBMIT_LOG,      /* acknowledged: write the ack log */
    SUBMIT_LEAVE,    /* take it off the queue */
    SUBMIT_REJECT,   /* refused for good: move it to rejected/ */
};

struct submit {
    struct edge_env *env;
    struct session *session;
    struct queue *queue;
    char ack_log[EDGE_PATH_BYTES]; /* "": none */
    int ack_fd;                    /* -1 until opened */
    /* Fills in the report's health; may be NULL. */
    void (*health)(void *user, struct health *ret_health);
    void *health_user;

    enum submit_phase phase;
    struct backoff backoff;
    struct http_call *call;
    struct queue_head head; /* of the batch at hand */
    struct buf body;        /* its final body */
    struct ack ack;
    bool dictionary;       /* it was last sent packed with the dictionary */
    bool renewed;          /* 401 came once for this batch */
    bool new_stream;       /* the next number begins a new stream */
    int64_t health_ms;     /* monotonic: of the last health that was told, 0: none */
    char health_state[33]; /* and its state */
    int64_t last_ack_ms;   /* monotonic, 0: none yet */
    int64_t not_before_ms; /* monotonic: a lone batch is not sent before */
    uint64_t acknowledged, duplicates, rejected; /* predictions, answers, predictions */
    uint64_t doubtful;           /* predictions whose time may be wrong by over an hour */
    char doubted[BOOT_ID_BYTES]; /* the boot that people were told of last */
};

/* Does what can be done now. */
void submit_step(struct submit *submit);

/* Sends what comes next up to `spread_ms` later, evenly drawn, unless more than one batch
 * waits; 0: at once. Minutes end at the same time everywhere: a fleet that sent its
 * summaries then would be quiet for the rest of the minute. */
void submit_spread(struct submit *submit, int64_t spread_ms);

/* When it wants to be stepped again, in ms. */
int64_t submit_wait_ms(const struct submit *submit);

/* Ends a running request. */
void submit_release(struct submit *submit);

#endif
