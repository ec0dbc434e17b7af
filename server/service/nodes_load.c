/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "server/service/changes.h"
#include "server/service/nodes_memory.h"
#include "server/store/registry_nodes.h"
#include "server/store/store.h"

enum { RESERVE_MAX = 1 << 24 };

static const int64_t LOAD_DEADLINE_MS = INT64_C(3600000);

/* Loading: labels come in rows, a set is whole when the next node's begin. */
struct loading {
    struct nodes *nodes;
    struct label_draft draft;
    int64_t draft_id; /* whose labels; 0: nobody's */
};

static const struct label_draft NO_LABELS;

static enum status load_node(void *context, const struct node_row *row, struct err *err)
{
    struct nodes *nodes = ((struct loading *)context)->nodes;
    struct node node = {.id = row->id,
                        .enrolled_ms = row->enrolled_ms,
                        .token_id = row->token_id,
                        .last_seen_ms = row->last_seen_ms,
                        .flushed_ms = row->last_seen_ms,
                        .epoch = (uint32_t)row->epoch};
    memcpy(node.public_key, row->public_key, sizeof node.public_key);
    (void)node_state_parse(row->state, &node.state);
    node.name = strdup(row->name);
    enum status status =
        node.name ? node_facts_take(&nodes->texts, row->facts, &node.facts, err)
                  : err_set(err, ERR_NO_MEMORY, "no memory for the name of a node");
    if (status == OK) {
        status = node_labels_take(&nodes->texts, &NO_LABELS, &node.labels, err);
    }
    if (status == OK) {
        status = node_add(nodes, &node, err);
    }
    if (status != OK) {
        node_release(nodes, &node);
    }
    return status;
}

static enum status end_labels(struct loading *loading, struct err *err)
{
    struct nodes *nodes = loading->nodes;
    struct node *node = node_find(nodes, loading->draft_id);
    const struct node_labels *labels = NULL;
    enum status status =
        node ? node_labels_take(&nodes->texts, &loading->draft, &labels, err) : OK;
    if (labels) {
        node_labels_drop(&nodes->texts, node->labels);
        node->labels = labels;
    }
    loading->draft.count = 0;
    return status;
}

static enum status load_label(void *context, const struct node_label_row *row,
                              struct err *err)
{
    struct loading *loading = context;
    if (row->node_id != loading->draft_id) {
        enum status status = end_labels(loading, err);
        if (status != OK) {
            return status;
        }
        loading->draft_id = row->node_id;
    }
    struct label label = {.key = row->key, .value = row->value};
    return label_draft_set(&loading->draft, &label, strcmp(row->source, "admin") == 0,
                           err);
}

static enum status load_reported(void *context, const struct node_reported_row *row,
                                 struct err *err)
{
    struct nodes *nodes = ((struct loading *)context)->nodes;
    struct node *node = node_find(nodes, row->node_id);
    if (!node) {
        return OK;
    }
    struct node_running *running = node_running_put(nodes, row->artifact, row->model);
    if (!running) {
        return err_set(err, ERR_NO_MEMORY, "no memory for what a node runs");
    }
    atomic_store_explicit(&node->running, running, memory_order_relaxed);
    running->nodes += node->state != NODE_REVOKED;
    node->last_report_ms = row->report_ms;
    node->queued = row->has_queued ? row->queued : NODE_UNTOLD;
    if (node->last_seen_ms < row->report_ms) {
        node->last_seen_ms = row->report_ms;
    }
    return OK;
}

static enum status load_lag(void *context, int64_t node_id, int64_t lag_ms,
                            struct err *err)
{
    struct node *node = node_find(((struct loading *)context)->nodes, node_id);
    (void)err;
    if (node && node->lag_ms == NODE_UNTOLD) {
        node->lag_ms = lag_ms;
    }
    return OK;
}

/* A server without them knows less about its nodes until they report; one that did not
 * start for a damaged page of reports would know nothing. The database tells of it. */
static enum status load_lags(struct loading *loading, struct db *db, struct err *err)
{
    enum status status = node_lags_load(db, load_lag, loading, err);
    if (status == ERR_DB_CORRUPT) {
        err_clear(err);
        return OK;
    }
    return status;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    struct loading *loading = context;
    int64_t count = 0;
    store_read_longer(db, LOAD_DEADLINE_MS);
    enum status status = node_rows_count(db, &count, err);
    if (status == OK) {
        status = nodes_reserve(loading->nodes,
                               (size_t)(count < RESERVE_MAX ? count : RESERVE_MAX), err);
    }
    if (status == OK) {
        status = node_rows_load(db, load_node, context, err);
    }
    if (status == OK) {
        status = node_labels_load(db, load_label, context, err);
    }
    if (status == OK) {
        status = end_labels(context, err);
    }
    if (status == OK) {
        status = node_reported_load(db, load_reported, context, err);
    }
    return status == OK ? load_lags(context, db, err) : status;
}

enum status nodes_open(struct changes *changes, const char *const *cohort_labels,
                       struct nodes **ret_nodes, struct err *err)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    struct loading *loading = calloc(1, sizeof *loading);
    if (!nodes || !loading) {
        free(nodes);
        free(loading);
        return err_set(err, ERR_NO_MEMORY, "no memory for nodes");
    }
    nodes->changes = changes;
    for (int i = 0; i < NODE_COHORT_LABELS; i++) {
        nodes->cohort_labels[i] = cohort_labels[i];
    }
    if (getrandom(&nodes->seed, sizeof nodes->seed, 0) < 0) {
        nodes->seed = (uint64_t)clock_mono_us();
    }
    (void)pthread_rwlock_init(&nodes->lock, NULL);
    (void)pthread_mutex_init(&nodes->flush_lock, NULL);
    loading->nodes = nodes;
    enum status status = changes_read(changes, load, loading, err);
    free(loading);
    if (status != OK) {
        nodes_free(nodes);
        return status;
    }
    *ret_nodes = nodes;
    return OK;
}

static void free_running(struct nodes *nodes)
{
    struct node_running *running = NULL;
    struct node_running *next = NULL;
    HASH_ITER(hh, nodes->running, running, next)
    {
        HASH_DELETE(hh, nodes->running, running);
        free(running);
    }
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes) {
        return;
    }
    for (size_t i = 0; i < nodes->count; i++) {
        node_release(nodes, node_at(nodes, i));
    }
    for (size_t i = 0; i < nodes->block_cap; i++) {
        free(nodes->blocks[i]);
    }
    free_running(nodes);
    free(nodes->blocks);
    free(nodes->by_name.slots);
    free(nodes->by_key.slots);
    (void)pthread_rwlock_destroy(&nodes->lock);
    (void)pthread_mutex_destroy(&nodes->flush_lock);
    free(nodes);
}
