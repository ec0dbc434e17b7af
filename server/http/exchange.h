/* SPDX-License-Identifier: Apache-2.0 */
/* exchange: one request and its answer, from the request line to completion.
 *
 *   NEW --head--> BODY --end of body--> RUNNING --job done--> FINISHED --> ANSWERED
 *                   `--- decided early or INLINE ------------------^
 *
 * Private to server/http. The event thread owns an exchange except while RUNNING: then
 * the connection is suspended and the thread that runs the job owns it until `done`
 * resumes the connection. Freed by libmicrohttpd's completion callback. */
#ifndef MUSTER_SERVER_HTTP_EXCHANGE_H
#define MUSTER_SERVER_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/job.h"
#include "server/http/body.h"
#include "server/http/connection.h"
#include "server/http/daemon.h"
#include "server/http/guard.h"
#include "server/http/router.h"
#include "server/http/streams.h"
#include "server/http/target.h"

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_BODY,
    EXCHANGE_RUNNING,
    EXCHANGE_FINISHED,
    EXCHANGE_ANSWERED,
};

struct exchange {
    struct job job; /* first, so that a job is its exchange */
    struct request request;
    struct response response;
    struct http *http;
    struct MHD_Connection *mhd;
    struct connection *connection;
    enum exchange_state state;
    enum status status; /* how it went so far */
    bool decided;       /* the answer is known without a handler; the body is discarded */
    bool closes;        /* the answer says Connection: close */
    bool in_flight;     /* counted in http->node_flights */
    bool suspended;     /* counted in http->suspended */
    struct stream *stream; /* an answer that goes on; under the streams' lock */
    const char *raw_target;
    struct head head;
    struct framing framing;
    struct target target;
    struct route_match match;
    struct body body;
    int64_t started_us;      /* monotonic */
    int sent_status;         /* HTTP status queued, 0: none */
    uint64_t sent_bytes;     /* of the answer's body */
    uint64_t received_bytes; /* of the request's body, discarded ones too */
};

/* libmicrohttpd's callbacks; `context` is the `struct http`. */
void *exchange_on_target(void *context, const char *raw, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *mhd,
                                    const char *url, const char *method,
                                    const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **request_context);
void exchange_on_completed(void *context, struct MHD_Connection *mhd,
                           void **request_context,
                           enum MHD_RequestTerminationCode reason);

/* The library goes on with a connection that was suspended. */
void exchange_note_resumed(struct exchange *exchange);

/* Frees an exchange that no request uses; NULL is allowed. */
void exchange_free(struct exchange *exchange);

/* Queues the answer that status and response of the exchange describe (answer.c). */
enum MHD_Result answer_queue(struct exchange *exchange);

/* Checks the head and finds target, route, rights and media type (admission.c). Anything
 * but OK is the answer; `ret_must_close` tells that no other request may follow on the
 * connection. An OPTIONS request comes back OK and decided. */
enum status admission_check(struct exchange *exchange, const char *method,
                            const char *version, bool *ret_must_close) MUST_USE;

/* The request is refused because a queue or the memory for bodies is full: counts it and
 * sets when the client shall come back. */
void admission_overloaded(struct exchange *exchange);

#endif
