/* SPDX-License-Identifier: Apache-2.0 */
/* session: enrols, and keeps a session token.
 *
 * States: enrolling -> connecting -> ready, back to connecting when the token nears its
 * end or the server refuses it. `session.clock` teaches the time and signs again at once,
 * one time. Everything else that fails waits with backoff. A node that the server does
 * not know (any more) enrols again with the same key, if it was given a token. */
#ifndef MUSTER_EDGE_SESSION_H
#define MUSTER_EDGE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/backoff.h"
#include "edge/http.h"
#include "edge/identity.h"
#include "edge/timebase.h"

enum { SESSION_TOKEN_BYTES = 160, ENROL_TOKEN_BYTES = 128 };

struct session {
    struct edge_env *env;
    struct http *http;
    struct identity *identity;
    struct timebase *timebase;
    char enrolment[ENROL_TOKEN_BYTES]; /* token, "" without one */
    struct buf facts;                  /* the object, for logins */
    struct buf enrol_tail; /* ,"name":…,"facts":…,"labels":…} of the enrolment body */
    struct http_call *call;
    struct backoff backoff;
    char token[SESSION_TOKEN_BYTES]; /* "": none */
    int64_t renew_at_ms;             /* monotonic */
    bool unknown;                    /* the server does not know this node: enrol again */
    bool dictionary;                 /* the server knows CONTENT_DICTIONARY_ID */
    bool clock_taught;               /* session.clock came for the last signature */
    const char *state;               /* as in muster_client_status */
};

/* Does what can be done now. */
void session_step(struct session *session);

/* The token for requests, or NULL while there is none. */
const char *session_token(const struct session *session);

/* A request that carried `token` was answered 401: forget it, unless there is another one
 * by now. */
void session_refused(struct session *session, const char *token);

/* When it wants to be stepped again, in ms. */
int64_t session_wait_ms(const struct session *session);

/* Ends a running request, wipes secrets. */
void session_release(struct session *session);

#endif
