/* SPDX-License-Identifier: Apache-2.0 */
/* poll: asks what to run and sees to it: assignment, update, choice, install.
 *
 * One round: GET /v1/assignment; a TUF update when one is due; the assigned artifact is
 * looked up, through delegations where need be, and made active unless it is already. The
 * first thing that fails ends the round with one line of reason, the active model stays,
 * and the next round comes after a backoff. While a download runs the assignment is asked
 * for as often as else; one that is no longer assigned is abandoned. */
#ifndef MUSTER_EDGE_POLL_H
#define MUSTER_EDGE_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/attempts.h"
#include "edge/finder.h"
#include "edge/install.h"
#include "edge/session.h"

enum poll_phase { POLL_IDLE, POLL_ASK, POLL_UPDATE, POLL_FIND, POLL_INSTALL };

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
    /* Takes over the hold of a newly active model. */
    void (*on_model)(void *user, struct edge_model *model);
    /* Obeys the detail of the assigned model, whether or not that can run here. */
    void (*on_detail)(void *user, const char *model, const struct detail *detail);
    void *user;

    enum poll_phase phase;
    struct http_call *call;
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

/* When it wants to be stepped again, in ms. */
int64_t poll_wait_ms(const struct poll *poll);

/* Ends what runs. */
void poll_release(struct poll *poll);

#endif
