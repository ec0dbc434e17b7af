/* SPDX-License-Identifier: Apache-2.0 */
#include <muster/edge.h>
#include <muster/recovery.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/client_state.h"

static const int64_t AT_MAX_MS = INT64_C(1) << 53;

/* What other threads see */

static const char *state_of(const struct muster_client *client)
{
    if (strcmp(client->session.state, "ok") != 0) {
        return client->session.state;
    }
    enum status report = client->env.faults[CHANNEL_REPORT];
    enum status model = client->env.faults[CHANNEL_MODEL];
    if (model == ERR_DOWNLOAD_WINDOW || model == ERR_DOWNLOAD_BUDGET ||
        model == ERR_DOWNLOAD_HELD) { /* as it was told to */
        model = OK;
    }
    if (report == ERR_NET || model == ERR_NET) {
        return "offline";
    }
    if (client->env.faults[CHANNEL_ACTIVE] != OK) {
        return client->active ? "kept" : "stopped";
    }
    return report == OK && model == OK ? "ok" : "refused";
}

static const char *complaint_of(const struct muster_client *client)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (client->env.faults[i] != OK) {
            return client->env.complaints[i];
        }
    }
    return "";
}

void client_publish(struct muster_client *client)
{
    bool below = client->store.has_active &&
                 client->store.active.seq <
                     trust_floor(&client->trust, client->store.active.model);
    uint64_t storing = client->storing ? batch_predictions(client->storing) : 0;
    pthread_mutex_lock(&client->lock);
    client->below_floor = below;
    client->summarises = client->told.detail.mode != DETAIL_FULL;
    client->published = (struct muster_client_status){
        .state = state_of(client),
        .node_id = client->identity.node_id,
        .queued = client->queue.predictions + storing,
        .batches = client->queue.count,
        .acknowledged = client->submit.acknowledged,
        .duplicates = client->submit.duplicates,
        .rejected = client->submit.rejected,
        .dropped = client->queue.dropped,
        .doubtful = client->submit.doubtful,
        .below_floor = below,
        .withdrawn = client->store.has_active && client->store.active.withdrawn,
        .clock_offset_ms = timebase_offset_ms(&client->timebase, &client->env)};
    detail_text(&client->told.detail, client->published.detail);
    (void)snprintf(client->published.last_error, sizeof client->published.last_error,
                   "%s", complaint_of(client));
    pthread_mutex_unlock(&client->lock);
}

/* What stops is named in one more report, so that the server learns of it. */
static void note_stop(struct muster_client *client)
{
    const struct muster_client_model *model = model_public(client->active);
    snprintf(client->stopped_model, sizeof client->stopped_model, "%s", model->name);
    memcpy(client->stopped_artifact, model->artifact, sizeof client->stopped_artifact);
    client->stop_untold = true;
}

void client_use_model(struct muster_client *client, struct edge_model *model)
{
    if (!model && client->active) {
        note_stop(client);
    }
    client->stopped = !model && client->stopped_model[0];
    pthread_mutex_lock(&client->lock);
    struct edge_model *old = client->active;
    client->active = model;
    pthread_mutex_unlock(&client->lock);
    model_release(old);
    if (client->on_model_changed) {
        client->on_model_changed(client->env.user, model ? model_public(model) : NULL);
    }
}

void client_use_detail(struct muster_client *client, const char *model,
                       const struct detail *detail)
{
    if (strcmp(client->told.model, model) == 0 &&
        detail_same(&client->told.detail, detail)) {
        return;
    }
    snprintf(client->told.model, sizeof client->told.model, "%s", model);
    client->told.detail = *detail;
    client->told_unsaved = true;
    intake_set_detail(&client->intake, model, detail);
}

void client_health(void *user, struct health *ret_health)
{
    struct muster_client *client = user;
    pthread_mutex_lock(&client->lock);
    double temp_c = client->temp_c, power_mw = client->power_mw;
    struct muster_client_status status = client->published;
    pthread_mutex_unlock(&client->lock);
    health_measure(&client->meter, env_mono_ms(&client->env), temp_c, power_mw,
                   ret_health);
    pthread_mutex_lock(&client->intake.lock);
    ret_health->inferred = (int64_t)client->intake.recorded;
    ret_health->queued = (int64_t)(status.queued + client->intake.waiting);
    pthread_mutex_unlock(&client->intake.lock);
    ret_health->rejected = (int64_t)client->submit.rejected;
    snprintf(ret_health->state, sizeof ret_health->state, "%s", status.state);
    ret_health->present |=
        HEALTH_INFERRED | HEALTH_QUEUED | HEALTH_REJECTED | HEALTH_STATE;
}

void client_error(const struct err *err, struct muster_client_error *error)
{
    if (error) {
        snprintf(error->code, sizeof error->code, "%s", status_name(err->status));
        snprintf(error->text, sizeof error->text, "%s", err->detail);
    }
}

/* Life */

enum muster_client_result muster_client_open(const struct muster_client_options *options,
                                             struct muster_client **ret_client,
                                             struct muster_client_error *error)
{
    struct err err = {0};
    struct muster_client *client = calloc(1, sizeof *client);
    if (!client) {
        err_set(&err, ERR_NO_MEMORY, "could not open a client");
        client_error(&err, error);
        return MUSTER_CLIENT_FAILED;
    }
    enum status status = client_set_up(client, options, &err);
    if (status != OK) {
        client_error(&err, error);
        muster_client_close(client);
        return status == ERR_INVALID_ARGUMENT ? MUSTER_CLIENT_ARGUMENT
                                              : MUSTER_CLIENT_FAILED;
    }
    *ret_client = client;
    return MUSTER_CLIENT_OK;
}

void muster_client_close(struct muster_client *client)
{
    if (!client) {
        return;
    }
    if (client->queue.next_number > 0) {
        client_store_all(client);
    }
    submit_release(&client->submit);
    poll_release(&client->poll);
    install_stop(&client->install);
    finder_release(&client->finder);
    updater_release(&client->updater);
    session_release(&client->session);
    trust_release(&client->trust);
    queue_release(&client->queue);
    intake_release(&client->intake);
    identity_release(&client->identity);
    http_release(&client->http);
    model_release(client->active);
    if (client->lock_fd >= 0) {
        close(client->lock_fd);
    }
    pthread_mutex_destroy(&client->lock);
    free(client);
}

static void take_turn(struct muster_client *client)
{
    switch (client->turn) {
    case TURN_STORE:
        (void)client_store_batch(client);
        break;
    case TURN_SUBMIT:
        submit_step(&client->submit);
        break;
    case TURN_POLL:
        poll_step(&client->poll);
        break;
    }
    client->turn = (enum client_turn)((client->turn + 1) % CLIENT_TURNS);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wait_ms(struct muster_client *client)
{
    int64_t wait = least(EDGE_NEVER_MS, client_store_wait_ms(client));
    wait = least(wait, submit_wait_ms(&client->submit));
    wait = least(wait, poll_wait_ms(&client->poll));
    wait = least(wait, session_wait_ms(&client->session));
    return least(wait, http_wait_ms(&client->http));
}

/* What the server said of the time goes to those who need it. */
static void tell_time(struct muster_client *client)
{
    timebase_note(&client->timebase, &client->env);
    intake_set_time(&client->intake, timebase_anchor_ms(&client->timebase, &client->env),
                    client->timebase.known);
}

int64_t muster_client_step(struct muster_client *client)
{
    http_pump(&client->http);
    session_step(&client->session);
    take_turn(client);
    tell_time(client);
    client_publish(client);
    return wait_ms(client);
}

void muster_client_wait(struct muster_client *client, int64_t max_ms)
{
    http_wait(&client->http, max_ms);
}

void muster_client_wake(struct muster_client *client)
{
    http_wake(&client->http);
}

/* Models */

const struct muster_client_model *muster_client_model(struct muster_client *client)
{
    const struct muster_client_model *view = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->active) {
        model_retain(client->active);
        view = model_public(client->active);
    }
    pthread_mutex_unlock(&client->lock);
    return view;
}

const struct muster_client_model *
muster_client_model_retain(const struct muster_client_model *model)
{
    model_retain(model_of(model));
    return model;
}

void muster_client_model_release(const struct muster_client_model *model)
{
    if (model) {
        model_release(model_of(model));
    }
}

/* Predictions */

static enum status check_prediction(const struct muster_prediction *prediction,
                                    struct err *err)
{
    if (!(prediction->confidence >= 0 && prediction->confidence <= 1)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "confidence is 0 to 1, found %g",
                       prediction->confidence);
    }
    if (prediction->at_ms > AT_MAX_MS || prediction->at_ms < -AT_MAX_MS) {
        return err_set(err, ERR_INVALID_ARGUMENT, "at_ms is not within 2^53");
    }
    if (prediction->has_value && !isfinite(prediction->value)) {
        return err_set(err, ERR_INVALID_ARGUMENT, "value is not finite");
    }
    return OK;
}

static enum status record(struct muster_client *client,
                          const struct muster_client_model *model,
                          const struct muster_prediction *prediction, struct err *err)
{
    enum status status = check_prediction(prediction, err);
    if (status != OK) {
        return status;
    }
    int64_t now_ms = env_mono_ms(&client->env);
    int64_t ago_ms =
        prediction->at_ms ? env_wall_ms(&client->env) - prediction->at_ms : 0;
    pthread_mutex_lock(&client->lock);
    bool below = client->below_floor, summarises = client->summarises;
    pthread_mutex_unlock(&client->lock);
    struct certainty certainty;
    bool certain = summarises && certainty_of(prediction->probabilities,
                                              prediction->probability_count, &certainty);
    struct intake_row row = {.prediction = prediction,
                             .model = model->name,
                             .artifact = model->artifact,
                             .certainty = certain ? &certainty : NULL,
                             .below_floor = below,
                             .at_mono_ms = now_ms - ago_ms,
                             .now_mono_ms = now_ms};
    bool news = false;
    status = intake_add(&client->intake, &row, &news, err);
    if (news) {
        http_wake(&client->http);
    }
    return status;
}

enum muster_client_result muster_client_record(struct muster_client *client,
                                               const struct muster_client_model *model,
                                               const struct muster_prediction *prediction,
                                               struct muster_client_error *error)
{
    struct err err = {0};
    enum status status = record(client, model, prediction, &err);
    if (status == OK) {
        return MUSTER_CLIENT_OK;
    }
    client_error(&err, error);
    return status == ERR_UNAVAILABLE        ? MUSTER_CLIENT_AGAIN
           : status == ERR_INVALID_ARGUMENT ? MUSTER_CLIENT_ARGUMENT
                                            : MUSTER_CLIENT_FAILED;
}

void muster_client_flush(struct muster_client *client)
{
    intake_flush(&client->intake);
    http_wake(&client->http);
}

void muster_client_allow_downloads(struct muster_client *client, bool allowed)
{
    meter_allow(&client->install.download.meter, allowed);
    http_wake(&client->http);
}

void muster_client_status(struct muster_client *client,
                          struct muster_client_status *ret_status)
{
    pthread_mutex_lock(&client->intake.lock);
    uint64_t recorded = client->intake.recorded, waiting = client->intake.waiting;
    pthread_mutex_unlock(&client->intake.lock);
    pthread_mutex_lock(&client->lock);
    *ret_status = client->published;
    pthread_mutex_unlock(&client->lock);
    ret_status->inferred = recorded;
    ret_status->queued += waiting;
}

enum muster_client_result muster_client_rollback(struct muster_client *client,
                                                 struct muster_client_error *error)
{
    struct err err = {0};
    if (poll_go_back(&client->poll, &err) == OK) {
        return MUSTER_CLIENT_OK;
    }
    client_error(&err, error);
    return MUSTER_CLIENT_FAILED;
}

void muster_client_health(struct muster_client *client, double temp_c, double power_mw)
{
    pthread_mutex_lock(&client->lock);
    client->temp_c = temp_c;
    client->power_mw = power_mw;
    pthread_mutex_unlock(&client->lock);
}
