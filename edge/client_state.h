/* SPDX-License-Identifier: Apache-2.0 */
/* client_state: the inside of struct muster_client.
 *
 * `lock` guards what two threads see: the active model, the published status and the
 * health that was set. Everything else belongs to the stepping thread; intake has a lock
 * of its own. */
#ifndef MUSTER_EDGE_CLIENT_STATE_H
#define MUSTER_EDGE_CLIENT_STATE_H

#include <muster/edge.h>
#include <pthread.h>

#include "edge/detail_file.h"
#include "edge/finder.h"
#include "edge/health.h"
#include "edge/intake.h"
#include "edge/poll.h"
#include "edge/submit.h"

/* Whose turn it is: one of them may use the disk in a step. */
enum client_turn { TURN_STORE, TURN_SUBMIT, TURN_POLL };

enum { CLIENT_TURNS = 3 };

struct muster_client {
    struct edge_env env;
    int lock_fd; /* holds the state folder */
    char state_folder[EDGE_PATH_BYTES];
    void (*on_model_changed)(void *user, const struct muster_client_model *model);
    enum muster_client_result (*on_candidate)(void *user,
                                              const struct muster_client_model *candidate,
                                              struct muster_client_error *error);
    int64_t heartbeat_ms;

    struct http http;
    struct identity identity;
    struct timebase timebase;
    struct facts facts;
    struct session session;
    struct trust trust;
    struct store store;
    struct updater updater;
    struct finder finder;
    struct install install;
    struct poll poll;
    struct queue queue;
    struct intake intake;
    struct submit submit;
    struct health_meter meter;

    enum client_turn turn;
    struct batch *storing; /* taken from intake, not yet on disk */
    struct backoff store_backoff;
    int64_t last_stored_ms; /* monotonic: of the last batch or heartbeat */
    struct told_detail told;
    bool told_unsaved; /* what was told is not on disk yet */

    pthread_mutex_t lock;
    struct edge_model *active;            /* held; NULL: none */
    char stopped_model[MODEL_TEXT_BYTES]; /* the last that was withdrawn to stop */
    uint8_t stopped_artifact[32];
    bool stop_untold; /* no report says so yet */
    bool stopped;     /* nothing runs since */
    bool below_floor;
    bool summarises; /* the detail asks for summaries */
    struct muster_client_status published;
    double temp_c, power_mw;
};

/* Copies and checks the options into a zeroed client, opens every part below the state
 * folder. On failure the caller closes the client. (client_open.c) */
enum status client_set_up(struct muster_client *client,
                          const struct muster_client_options *options,
                          struct err *err) MUST_USE;

/* Makes a model the active one, taking over its hold, and tells the program; NULL: the
 * one that was active must stop. */
void client_use_model(struct muster_client *client, struct edge_model *model);

/* Obeys a detail from now on, and keeps it for the next start. */
void client_use_detail(struct muster_client *client, const char *model,
                       const struct detail *detail);

/* Writes the state that other threads see. */
void client_publish(struct muster_client *client);

/* What the next report says of the node. */
void client_health(void *client, struct health *ret_health);

/* Copies status and detail for the program. */
void client_error(const struct err *err, struct muster_client_error *error);

/* Writes one waiting batch or a heartbeat to the queue; true if the disk was used. */
bool client_store_batch(struct muster_client *client);

/* When client_store_batch has something to do, in ms. */
int64_t client_store_wait_ms(struct muster_client *client);

/* Writes everything that waits in memory. */
void client_store_all(struct muster_client *client);

#endif
