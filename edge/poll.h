/* SPDX-License-Identifier: Apache-2.0 */
/* poll: asks what to run and sees to it: assignment, update, choice, install.
 *
 * One round: GET /v1/assignment; a TUF update when one is due, after which what runs and
 * what is kept are reviewed; the assigned artifact is looked up, through delegations
 * where need be, and made active unless it is already. The first thing that fails ends
 * the round with one line of reason, the active model stays, and the next round comes
 * after a backoff. Only a review can stop the active model: then the way back is taken.
 * While a download runs the assignment is asked for as often as else; one that is no
 * longer assigned is abandoned, and newer metadata are fetched first. */
#ifndef MUSTER_EDGE_POLL_H
#define MUSTER_EDGE_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/assignment_call.h"
#include "edge/attempts.h"
#include "edge/finder.h"
#include "edge/install.h"
#include "edge/review.h"
#include "edge/session.h"

enum poll_phase {
    POLL_IDLE,
    POLL_ASK,
    POLL_UPDATE,
    POLL_REVIEW,
    POLL_FIND,
    POLL_INSTALL
};

/* What is being installed. */
enum poll_errand {
    ERRAND_ASSIGNED,
    ERRAND_STOPPED, /* the way back, because the active one was withdrawn */
    ERRAND_ASKED,   /* the way back, because an operator asked for it */
};

struct poll {
    struct edge_env *env;
    struct http *http;
    struct session *session;
    struct updater *updater;
    struct finder *finder;
    struct install *install;
    struct store *store;
    struct choice_rules rules;
    char model[65];      /* which assigned model; "": the first */
    int64_t interval_ms; /* instead of the server's; 0: the server's */
    bool active_runs;    /* the store's active artifact is loaded */
    /* Takes over the hold of a newly active model; NULL: the active one must stop. */
    void (*on_model)(void *user, struct edge_model *model);
    /* Obeys the detail of the assigned model, whether or not that can run here. */
    void (*on_detail)(void *user, const char *model, const struct detail *detail);
    void *user;

    enum poll_phase phase;
    struct http_call *call;
    struct review review;
    bool stopped;    /* by the review of this round */
    bool asked_back; /* poll_go_back was called and waits for its turn */
    enum poll_errand errand;
    bool has_assignment;
    struct assignment assignment;
    char etag[160];
    bool renewed;       /* 401 came once in this round */
    bool update_failed; /* the last update did */
    struct backoff backoff;
    int64_t next_ms; /* monotonic */
    bool has_bad;    /* the next is an artifact that cannot run here */
    uint8_t bad[32];
    struct err bad_why;
    struct attempts attempts; /* of the download */
    struct http_call *watch;  /* asks for the assignment during a download */
    int64_t watch_ms;         /* monotonic: when it asks next */
};

/* Does what can be done now. */
void poll_step(struct poll *poll);

/* Asks for the way back (edge/store.h), which is taken as soon as nothing else runs: the
 * active artifact is not activated again before the server assigns another.
 * ERR_NOT_FOUND, ERR_TUF_FLOOR. */
enum status poll_go_back(struct poll *poll, struct err *err) MUST_USE;

/* When it wants to be stepped again, in ms. */
int64_t poll_wait_ms(const struct poll *poll);

/* Ends what runs. */
void poll_release(struct poll *poll);

#endif
