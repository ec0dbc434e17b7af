/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/changes.h"
#include "server/service/nodes_memory.h"
#include "server/service/selector.h"
#include "server/store/registry_nodes.h"

enum { FLUSH_BATCH = 500 };

static const char *const STATE_NAMES[] = {
    [NODE_ACTIVE] = "active", [NODE_PENDING] = "pending", [NODE_REVOKED] = "revoked"};

const char *node_state_name(enum node_state state)
{
    return STATE_NAMES[state];
}

bool node_state_parse(const char *text, enum node_state *ret_state)
{
    for (enum node_state state = NODE_ACTIVE; state <= NODE_REVOKED; state++) {
        if (strcmp(text, STATE_NAMES[state]) == 0) {
            *ret_state = state;
            return true;
        }
    }
    return false;
}

static enum status load_node(void *context, const struct node_row *row, struct err *err)
{
    struct node *node = calloc(1, sizeof *node);
    if (!node) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a node");
    }
    node->id = row->id;
    (void)snprintf(node->name, sizeof node->name, "%s", row->name);
    memcpy(node->public_key, row->public_key, sizeof node->public_key);
    (void)node_state_parse(row->state, &node->state);
    node->epoch = (uint32_t)row->epoch;
    node->enrolled_ms = row->enrolled_ms;
    node->token_id = row->token_id;
    atomic_init(&node->last_seen_ms, row->last_seen_ms);
    node->flushed_ms = row->last_seen_ms;
    enum status status = node_set_facts(node, row->facts, err);
    if (status == OK) {
        status = node_add(context, node, err);
    }
    if (status != OK) {
        node_free(node);
    }
    return status;
}

static enum status load_label(void *context, const struct node_label_row *row,
                              struct err *err)
{
    struct node *node = node_find(context, row->node_id);
    struct label label = {.key = row->key, .value = row->value};
    return node ? node_set_label(node, &label, strcmp(row->source, "admin") == 0, err)
                : OK;
}

static enum status load_reported(void *context, const struct node_reported_row *row,
                                 struct err *err)
{
    struct node *node = node_find(context, row->node_id);
    (void)err;
    if (!node) {
        return OK;
    }
    node->reported = true;
    memcpy(node->artifact, row->artifact, sizeof node->artifact);
    (void)snprintf(node->model, sizeof node->model, "%s", row->model);
    node->predictions = row->predictions;
    node->health = row->health;
    if (atomic_load(&node->last_seen_ms) < row->report_ms) {
        atomic_store(&node->last_seen_ms, row->report_ms);
    }
    return OK;
}

static enum status load(void *context, struct db *db, struct err *err)
{
    enum status status = node_rows_load(db, load_node, context, err);
    if (status == OK) {
        status = node_labels_load(db, load_label, context, err);
    }
    return status == OK ? node_reported_load(db, load_reported, context, err) : status;
}

enum status nodes_open(struct changes *changes, const char *const *cohort_labels,
                       struct nodes **ret_nodes, struct err *err)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    if (!nodes) {
        return err_set(err, ERR_NO_MEMORY, "no memory for nodes");
    }
    nodes->changes = changes;
    for (int i = 0; i < NODE_COHORT_LABELS; i++) {
        nodes->cohort_labels[i] = cohort_labels[i];
    }
    (void)pthread_rwlock_init(&nodes->lock, NULL);
    enum status status = changes_read(changes, load, nodes, err);
    if (status != OK) {
        nodes_free(nodes);
        return status;
    }
    *ret_nodes = nodes;
    return OK;
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes) {
        return;
    }
    HASH_CLEAR(by_name, nodes->by_name);
    HASH_CLEAR(by_key, nodes->by_key);
    for (size_t i = 0; i < nodes->count; i++) {
        node_free(nodes->items[i]);
    }
    free(nodes->items);
    (void)pthread_rwlock_destroy(&nodes->lock);
    free(nodes);
}

bool nodes_cohort_labels(struct nodes *nodes, int64_t node_id,
                         char ret_labels[NODE_COHORT_LABELS][LABEL_BYTES])
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    for (int i = 0; node && i < NODE_COHORT_LABELS; i++) {
        const char *key = nodes->cohort_labels[i];
        const char *value = key ? node_label_value(node, key) : NULL;
        memset(ret_labels[i], 0, LABEL_BYTES);
        (void)snprintf(ret_labels[i], LABEL_BYTES, "%s", value ? value : "");
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return node != NULL;
}

static void seen(struct node *node, int64_t at_ms)
{
    if (atomic_load_explicit(&node->last_seen_ms, memory_order_relaxed) < at_ms) {
        atomic_store_explicit(&node->last_seen_ms, at_ms, memory_order_relaxed);
    }
}

void nodes_reported(struct nodes *nodes, int64_t node_id, const struct report *report,
                    int64_t received_ms)
{
    (void)pthread_rwlock_wrlock(&nodes->lock);
    struct node *node = node_find(nodes, node_id);
    if (node) {
        node->reported = true;
        memcpy(node->artifact, report->artifact, sizeof node->artifact);
        (void)snprintf(node->model, sizeof node->model, "%s", report->model);
        node->predictions += report_predictions(report);
        if (report->health.present) {
            node->health = report->health;
        }
        seen(node, received_ms);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
}

void nodes_seen(struct nodes *nodes, int64_t node_id, int64_t at_ms)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    struct node *node = node_find(nodes, node_id);
    if (node) {
        seen(node, at_ms);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
}

/* One batch of last-seen times on its way to the database. */
struct flush {
    struct {
        int64_t id, last_seen_ms;
    } items[FLUSH_BATCH];
    size_t count;
};

static enum status write_flush(void *context, struct db *db, struct err *err)
{
    const struct flush *flush = context;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < flush->count; i++) {
        status = node_row_seen(db, flush->items[i].id, flush->items[i].last_seen_ms, err);
    }
    return status;
}

/* Gathers nodes from index `from` on; returns where to go on. */
static size_t gather(struct nodes *nodes, size_t from, struct flush *flush)
{
    flush->count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    while (from < nodes->count && flush->count < FLUSH_BATCH) {
        struct node *node = nodes->items[from++];
        int64_t last_seen_ms = atomic_load(&node->last_seen_ms);
        if (last_seen_ms != node->flushed_ms) {
            flush->items[flush->count].id = node->id;
            flush->items[flush->count++].last_seen_ms = last_seen_ms;
        }
    }
    bool end = from >= nodes->count;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return end ? SIZE_MAX : from;
}

static void mark_flushed(struct nodes *nodes, const struct flush *flush)
{
    (void)pthread_rwlock_wrlock(&nodes->lock);
    for (size_t i = 0; i < flush->count; i++) {
        node_find(nodes, flush->items[i].id)->flushed_ms = flush->items[i].last_seen_ms;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
}

enum status nodes_flush(struct nodes *nodes, struct err *err)
{
    struct flush flush;
    size_t from = 0;
    enum status status = OK;
    while (status == OK && from != SIZE_MAX) {
        from = gather(nodes, from, &flush);
        if (flush.count > 0) {
            status = changes_commit(nodes->changes, write_flush, &flush, err);
        }
        if (status == OK) {
            mark_flushed(nodes, &flush);
        }
    }
    return status;
}

bool nodes_identity(struct nodes *nodes, int64_t node_id,
                    uint8_t ret_public_key[static 32], enum node_state *ret_state,
                    uint32_t *ret_epoch)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    if (node) {
        memcpy(ret_public_key, node->public_key, sizeof node->public_key);
        *ret_state = node->state;
        *ret_epoch = node->epoch;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return node != NULL;
}

bool nodes_session_good(struct nodes *nodes, int64_t node_id, uint32_t epoch)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool good = node && node->state == NODE_ACTIVE && node->epoch == epoch;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return good;
}

/* A selector's value of a node: name, arch and id before labels of those names. */
static const char *lookup(const void *context, const char *key)
{
    const struct node *node = context;
    if (strcmp(key, "name") == 0) {
        return node->name;
    }
    if (strcmp(key, "arch") == 0) {
        return node->arch[0] ? node->arch : NULL;
    }
    return strcmp(key, "id") == 0 ? node->id_text : node_label_value(node, key);
}

static bool copy_labels(const struct node *node, struct arena *arena,
                        struct node_view *view)
{
    struct label *labels = arena_array(arena, node->label_count + 1, sizeof *labels);
    if (!labels) {
        return false;
    }
    for (size_t i = 0; i < node->label_count; i++) {
        const struct node_label *label = &node->labels[i];
        if (i > 0 && strcmp(label->key, node->labels[i - 1].key) == 0) {
            continue; /* the administrator's value stands before it */
        }
        struct label *copy = &labels[view->label_count++];
        copy->key = arena_strdup(arena, label->key);
        copy->value = arena_strdup(arena, label->value);
        if (!copy->key || !copy->value) {
            return false;
        }
    }
    view->labels = labels;
    return true;
}

static bool copy_node(const struct node *node, struct arena *arena,
                      struct node_view *ret_view)
{
    struct node_view view = {
        .id = node->id,
        .name = arena_strdup(arena, node->name),
        .state = node->state,
        .facts = arena_strdup(arena, node->facts),
        .enrolled_ms = node->enrolled_ms,
        .last_seen_ms = atomic_load(&node->last_seen_ms),
        .reported = node->reported,
        .predictions = node->predictions,
        .health = node->health,
    };
    memcpy(view.artifact, node->artifact, sizeof view.artifact);
    memcpy(view.model, node->model, sizeof view.model);
    if (!view.name || !view.facts || !copy_labels(node, arena, &view)) {
        return false;
    }
    *ret_view = view;
    return true;
}

enum status nodes_get(struct nodes *nodes, int64_t node_id, struct arena *arena,
                      struct node_view *ret_view, struct err *err)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool copied = node && copy_node(node, arena, ret_view);
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!node) {
        return err_set(err, ERR_NOT_FOUND, "there is no node %lld", (long long)node_id);
    }
    return copied ? OK : err_set(err, ERR_NO_MEMORY, "no memory for a node");
}

static bool query_wants(const struct nodes_query *query, const struct node *node)
{
    return node->id > query->after_id &&
           (!query->has_state || node->state == query->state) &&
           (!query->selector || selector_matches(query->selector, lookup, node));
}

enum status nodes_list(struct nodes *nodes, const struct nodes_query *query,
                       struct arena *arena, struct node_view **ret_views,
                       size_t *ret_count, bool *ret_more)
{
    struct node_view *views = arena_array(arena, query->limit, sizeof *views);
    size_t count = 0;
    bool more = false;
    bool memory = views != NULL;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (size_t i = 0; memory && !more && i < nodes->count; i++) {
        if (!query_wants(query, nodes->items[i])) {
            continue;
        }
        more = count == query->limit;
        if (!more) {
            memory = copy_node(nodes->items[i], arena, &views[count++]);
        }
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!memory) {
        return ERR_NO_MEMORY;
    }
    *ret_views = views;
    *ret_count = count;
    *ret_more = more;
    return OK;
}

size_t nodes_count_matching(struct nodes *nodes, const struct selector *selector)
{
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (size_t i = 0; i < nodes->count; i++) {
        const struct node *node = nodes->items[i];
        count += node->state == NODE_ACTIVE && selector_matches(selector, lookup, node);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return count;
}

bool nodes_match(struct nodes *nodes, int64_t node_id, const struct selector *selector)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool match =
        node && node->state == NODE_ACTIVE && selector_matches(selector, lookup, node);
    (void)pthread_rwlock_unlock(&nodes->lock);
    return match;
}

void nodes_hardware(struct nodes *nodes, int64_t node_id, char ret_arch[static 33],
                    int64_t *ret_ram_bytes)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    (void)snprintf(ret_arch, 33, "%s", node ? node->arch : "");
    *ret_ram_bytes = node ? node->ram_bytes : 0;
    (void)pthread_rwlock_unlock(&nodes->lock);
}

size_t nodes_running(struct nodes *nodes, const uint8_t artifact[static 32])
{
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (size_t i = 0; i < nodes->count; i++) {
        const struct node *node = nodes->items[i];
        count += node->reported && node->state != NODE_REVOKED &&
                 memcmp(node->artifact, artifact, sizeof node->artifact) == 0;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return count;
}

bool nodes_by_key(struct nodes *nodes, const uint8_t public_key[static 32],
                  int64_t *ret_id, int64_t *ret_token_id)
{
    struct node *node = NULL;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    HASH_FIND(by_key, nodes->by_key, public_key, 32, node);
    if (node) {
        *ret_id = node->id;
        *ret_token_id = node->token_id;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return node != NULL;
}
