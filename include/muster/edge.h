/* SPDX-License-Identifier: Apache-2.0 */
/* muster/edge.h: keeps one node in step with its server: predictions up, models down.
 *
 * A client enrols, polls, verifies and activates signed models, queues predictions on
 * disk and reports them exactly once. It has no threads: muster_client_step does all the
 * work in pieces of at most about 10 ms (but for one fsync and a model's self-test) and
 * is called by one thread. One other thread may at the same time call the functions
 * marked (other thread). Whatever fails, the active model stays and inference goes on.
 * Functions return MUSTER_CLIENT_OK (0) or what failed, with code and sentence in
 * `error` (may be NULL); outputs are untouched on failure. Nothing here prints, aborts or
 * exits. */
#ifndef MUSTER_EDGE_H
#define MUSTER_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <muster/edge_options.h>
#include <muster/edge_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct muster_client_status {
    const char *state;     /* "enrolling", "pending", "connecting", "ok", "offline",
                              "refused" (a report, a model or the enrolment: see
                              last_error), "kept", "stopped" (what runs is not what
                              is assigned and listed), "revoked"; static */
    int64_t node_id;       /* 0: not enrolled */
    uint64_t inferred;     /* predictions recorded since open */
    uint64_t queued;       /* predictions not yet acknowledged, memory and disk */
    uint64_t batches;      /* the same as batches on disk */
    uint64_t acknowledged; /* predictions acknowledged since open */
    uint64_t duplicates;   /* acknowledgements that said duplicate, since open */
    uint64_t rejected;     /* predictions refused for good, since open */
    uint64_t dropped; /* predictions dropped because the queue was full, since open */
    bool below_floor; /* the active model is below the signed floor */
    bool withdrawn;   /* fresh verified targets do not list it any more */
    int64_t clock_offset_ms; /* server's time minus device wall time, 0 until known */
    char detail[32];   /* what is reported: "full" (a row a prediction), or summaries with
                          rows for "sampled 1/N", "changes", or none: "summary" */
    uint64_t doubtful; /* predictions sent since open whose time may be wrong by over an
                          hour: their boot never learnt the server's time */
    char last_error[320]; /* "code: sentence", "" when all is well */
};

struct muster_client;

/* Opens the state folder, loads the last good model and the queue. Blocks (files only, no
 * network). Closed by muster_client_close. */
MUSTER_API enum muster_client_result
muster_client_open(const struct muster_client_options *options,
                   struct muster_client **ret_client, struct muster_client_error *error);

/* Writes what waits in memory to the queue and frees everything; models still held stay
 * valid until released. NULL allowed. Blocks for a few fsyncs, never for the network. */
MUSTER_API void muster_client_close(struct muster_client *client);

/* Does what can be done now without waiting. Returns in how many milliseconds it wants to
 * be called again (0: at once); calling earlier is fine. */
MUSTER_API int64_t muster_client_step(struct muster_client *client);

/* Sleeps until the network has something or `max_ms` have passed or muster_client_wake is
 * called. A convenience for programs without an event loop. Same thread as step. */
MUSTER_API void muster_client_wait(struct muster_client *client, int64_t max_ms);

/* Ends a muster_client_wait. (any thread) */
MUSTER_API void muster_client_wake(struct muster_client *client);

/* Holds the active model; NULL while there is none. muster_client_model_release ends it.
 * Each hold may be passed to any thread. (other thread) */
MUSTER_API const struct muster_client_model *
muster_client_model(struct muster_client *client);

/* One more hold of a held model. (any thread) */
MUSTER_API const struct muster_client_model *
muster_client_model_retain(const struct muster_client_model *model);

/* Ends a hold; NULL allowed. The last one unmaps the file. (any thread) */
MUSTER_API void muster_client_model_release(const struct muster_client_model *model);

/* Adds one prediction that `model` made to the open batch. Never blocks on disk or
 * network. MUSTER_CLIENT_AGAIN when too many batches wait for step; nothing was recorded
 * then. (other thread) */
MUSTER_API enum muster_client_result muster_client_record(
    struct muster_client *client, const struct muster_client_model *model,
    const struct muster_prediction *prediction, struct muster_client_error *error);

/* Closes the open batch now instead of waiting for rows or age. (other thread) */
MUSTER_API void muster_client_flush(struct muster_client *client);

/* Forbids downloads of models, or allows them again (as they are at first): one that runs
 * is ended within the next step, keeps what it received, and goes on there. (any thread)
 */
MUSTER_API void muster_client_allow_downloads(struct muster_client *client, bool allowed);

/* The present state. (other thread) */
MUSTER_API void muster_client_status(struct muster_client *client,
                                     struct muster_client_status *ret_status);

/* Sets what the next reports say of the device's temperature and power; NaN: unknown.
 * CPU, memory and counters are the library's own. (other thread) */
MUSTER_API void muster_client_health(struct muster_client *client, double temp_c,
                                     double power_mw);

#ifdef __cplusplus
}
#endif

#endif
