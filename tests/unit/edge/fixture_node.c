/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/fixture_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"

enum { PATIENCE_MS = 60000 };

static int64_t wall_ms(void *user)
{
    const struct node *node = user;
    return clock_wall_ms() + node->wall_shift_ms;
}

static int64_t mono_ms(void *user)
{
    const struct node *node = user;
    return clock_mono_ms() + node->mono_shift_ms;
}

static void on_message(void *user, const char *code, const char *text)
{
    struct node *node = user;
    size_t used = strlen(node->messages);
    (void)text;
    snprintf(node->messages + used, sizeof node->messages - used, "%s\n", code);
}

static void on_model_changed(void *user, const struct muster_client_model *model)
{
    struct node *node = user;
    assert_true(!model || model->nn);
    node->models++;
}

void node_init(struct node *node, const struct server *server,
               const struct repository *repository)
{
    *node = (struct node){0};
    folder_make(node->folder);
    snprintf(node->boot_id, sizeof node->boot_id, "boot");
    snprintf(node->root_path, sizeof node->root_path, "%s/root.json", node->folder);
    snprintf(node->ack_log, sizeof node->ack_log, "%s/acks", node->folder);
    const struct buf *root = &repository->root_file;
    assert_int_equal(
        file_write_atomic(node->root_path, root->data, root->len, 0644, NULL), OK);
    node->options = (struct muster_client_options){
        .server_url = server->url,
        .state_folder = node->folder,
        .root_path = node->root_path,
        .enrolment = "met_good",
        .name = "node",
        .batch_rows = 10,
        .batch_age_ms = 5,
        .ack_log_path = node->ack_log,
        .backoff_max_ms = 10,
        .poll_ms = 10,
        .stall_ms = 60000,
        .clock = {.wall_ms = wall_ms, .mono_ms = mono_ms, .boot_id = node->boot_id},
        .user = node,
        .on_message = on_message,
        .on_model_changed = on_model_changed};
}

void node_open(struct node *node)
{
    struct muster_client_error error;
    if (muster_client_open(&node->options, &node->client, &error) != MUSTER_CLIENT_OK) {
        fail_msg("open: %s: %s", error.code, error.text);
    }
}

void node_close(struct node *node)
{
    muster_client_close(node->client);
    node->client = NULL;
}

void node_kill(struct node *node)
{
    char copy[FOLDER_BYTES];
    folder_make(copy);
    folder_copy(node->folder, copy);
    node_close(node);
    folder_remove(node->folder);
    folder_copy(copy, node->folder);
    folder_remove(copy);
}

void node_power_cut(struct node *node)
{
    node_kill(node);
    node->mono_shift_ms = -clock_mono_ms();
    snprintf(node->boot_id, sizeof node->boot_id, "boot %d", ++node->boots);
}

void node_release(struct node *node)
{
    node_close(node);
    folder_remove(node->folder);
}

void node_until(struct node *node, node_condition *condition, void *user)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (!condition(node, user)) {
        if (clock_mono_ms() > end_ms) {
            struct muster_client_status status;
            muster_client_status(node->client, &status);
            fail_msg("nothing happened; state %s, last error %s", status.state,
                     status.last_error);
        }
        int64_t wait_ms = muster_client_step(node->client);
        muster_client_wait(node->client, wait_ms < 20 ? wait_ms : 20);
    }
}

void node_predict(struct node *node, int count)
{
    const struct muster_client_model *model = muster_client_model(node->client);
    assert_non_null(model);
    for (int i = 0; i < count; i++) {
        struct muster_prediction prediction = {.class_index = (uint16_t)(i % 10),
                                               .confidence = 0.5,
                                               .latency_us = 100,
                                               .has_sample = true,
                                               .sample = i};
        while (muster_client_record(node->client, model, &prediction, NULL) ==
               MUSTER_CLIENT_AGAIN) {
            muster_client_step(node->client);
        }
    }
    muster_client_model_release(model);
}

bool node_has_model(struct node *node, void *user)
{
    const struct buf *artifact = user;
    uint8_t digest[32];
    const struct muster_client_model *model = muster_client_model(node->client);
    assert_int_equal(sha256_of(artifact->data, artifact->len, digest, NULL), OK);
    bool same = model && memcmp(model->artifact, digest, sizeof digest) == 0;
    muster_client_model_release(model);
    return same;
}

bool node_drained(struct node *node, void *user)
{
    (void)user;
    struct muster_client_status status;
    muster_client_status(node->client, &status);
    return status.queued == 0 && status.batches == 0;
}

bool node_complained(struct node *node, void *user)
{
    const char *code = user;
    char line[64];
    snprintf(line, sizeof line, "%s\n", code);
    return strstr(node->messages, line) != NULL;
}
