/* SPDX-License-Identifier: Apache-2.0 */
/* From memory to the queue. */
#include <string.h>

#include "edge/client_state.h"

static enum status append(struct muster_client *client, const struct batch *batch,
                          struct err *err)
{
    BUF_AUTO payload = BUF_INIT(QUEUE_PAYLOAD_MAX);
    enum status status = batch_encode(batch, &payload, err);
    if (status != OK) {
        return status;
    }
    struct queue_head head = {.rows = batch->rows,
                              .predictions = batch_predictions(batch),
                              .anchor_ms =
                                  timebase_anchor_ms(&client->timebase, &client->env),
                              .anchor_known = client->timebase.known};
    if (batch->interval) {
        head.anchor_ms = batch->anchor_ms;
        head.anchor_known = batch->anchor_known;
    }
    memcpy(head.boot_id, client->timebase.boot_id, BOOT_ID_BYTES);
    return queue_append(&client->queue, &head, &payload, err);
}

static void batch_done(struct muster_client *client)
{
    batch_free(client->storing);
    client->storing = NULL;
    backoff_reset(&client->store_backoff);
    client->last_stored_ms = env_mono_ms(&client->env);
}

/* A disk that fails is tried again; a batch that can never fit is counted and dropped. */
static void store_failed(struct muster_client *client, enum status status,
                         const struct err *err)
{
    env_complain(&client->env, CHANNEL_REPORT, err);
    if (status == ERR_QUEUE_FULL || status == ERR_LIMIT) {
        queue_lose(&client->queue, batch_predictions(client->storing));
        batch_done(client);
        return;
    }
    backoff_fail(&client->store_backoff, env_mono_ms(&client->env),
                 client->env.backoff_max_ms, 0);
}

/* What beats: the active model, or the one that had to stop. */
static bool has_heart(const struct muster_client *client)
{
    return client->active || client->stopped;
}

static bool heartbeat_due(const struct muster_client *client)
{
    return has_heart(client) && client->queue.count == 0 &&
           env_mono_ms(&client->env) - client->last_stored_ms >= client->heartbeat_ms;
}

/* A report without predictions, of a model. */
static void store_empty(struct muster_client *client, const char *model,
                        const uint8_t artifact[static 32])
{
    struct err err = {0};
    struct batch batch = {.below_floor = client->below_floor};
    memcpy(batch.model, model, strlen(model) + 1);
    memcpy(batch.artifact, artifact, sizeof batch.artifact);
    batch.has_derived = intake_derived(&client->intake, artifact, batch.derived);
    if (append(client, &batch, &err) != OK) {
        env_complain(&client->env, CHANNEL_REPORT, &err);
    }
    client->last_stored_ms = env_mono_ms(&client->env);
}

static void store_heartbeat(struct muster_client *client)
{
    if (!client->active) {
        store_empty(client, client->stopped_model, client->stopped_artifact);
        return;
    }
    const struct muster_client_model *model = model_public(client->active);
    store_empty(client, model->name, model->artifact);
}

/* What the node knows besides batches: the detail, and the time in its boots. */
static bool store_knowledge(struct muster_client *client)
{
    struct err err = {0};
    int64_t now_ms = env_mono_ms(&client->env);
    enum status status = OK;
    if (client->told_unsaved) {
        status = detail_file_write(client->state_folder, &client->told, &err);
        client->told_unsaved = status != OK;
    } else if (boots_wait_ms(&client->timebase.boots, now_ms) == 0) {
        status = boots_save(&client->timebase.boots, now_ms, &err);
    } else {
        return false;
    }
    if (status != OK) {
        env_complain(&client->env, CHANNEL_REPORT, &err);
        backoff_fail(&client->store_backoff, now_ms, client->env.backoff_max_ms, 0);
    }
    return true;
}

/* What ended with a minute ended everywhere: it is spread over half an interval. */
static void spread(struct muster_client *client)
{
    const struct batch *batch = client->storing;
    submit_spread(&client->submit,
                  batch->by_clock ? batch->interval->detail.interval_s * 1000 / 2 : 0);
}

bool client_store_batch(struct muster_client *client)
{
    int64_t now_ms = env_mono_ms(&client->env);
    if (intake_was_flushed(&client->intake)) {
        submit_spread(&client->submit, 0);
    }
    if (backoff_wait_ms(&client->store_backoff, now_ms) > 0) {
        return false;
    }
    if (store_knowledge(client)) {
        return true;
    }
    intake_close(&client->intake, now_ms);
    if (!client->storing) {
        client->storing = intake_take(&client->intake);
    }
    if (!client->storing && client->stop_untold) {
        client->stop_untold = false;
        store_empty(client, client->stopped_model, client->stopped_artifact);
        return true;
    }
    if (!client->storing && heartbeat_due(client)) {
        store_heartbeat(client);
        return true;
    }
    if (!client->storing) {
        return false;
    }
    struct err err = {0};
    enum status status = append(client, client->storing, &err);
    if (status == OK) {
        spread(client);
        batch_done(client);
    } else {
        store_failed(client, status, &err);
    }
    return true;
}

int64_t client_store_wait_ms(struct muster_client *client)
{
    int64_t now_ms = env_mono_ms(&client->env);
    int64_t held = backoff_wait_ms(&client->store_backoff, now_ms);
    if (held > 0) {
        return held;
    }
    if (client->storing || client->told_unsaved || client->stop_untold) {
        return 0;
    }
    int64_t wait = intake_wait_ms(&client->intake, now_ms);
    int64_t beat = client->last_stored_ms + client->heartbeat_ms - now_ms;
    if (has_heart(client) && client->queue.count == 0 && beat < wait) {
        wait = beat > 0 ? beat : 0;
    }
    int64_t boots = boots_wait_ms(&client->timebase.boots, now_ms);
    return boots < wait ? boots : wait;
}

void client_store_all(struct muster_client *client)
{
    for (int i = 0; i < INTAKE_CLOSED_MAX + 2; i++) {
        if (!client->storing) {
            intake_flush(&client->intake);
            client->storing = intake_take(&client->intake);
        }
        struct err err = {0};
        if (!client->storing || append(client, client->storing, &err) != OK) {
            break;
        }
        batch_done(client);
    }
    batch_free(client->storing);
    client->storing = NULL;
    timebase_note(&client->timebase, &client->env);
    enum status status =
        boots_save(&client->timebase.boots, env_mono_ms(&client->env), NULL);
    if (client->told_unsaved) {
        status = detail_file_write(client->state_folder, &client->told, NULL);
    }
    (void)status; /* both are worth a try, and nobody is left to be told */
}
