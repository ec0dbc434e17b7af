/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/service/changes.h"
#include "server/service/nodes_filter.h"
#include "server/service/nodes_memory.h"
#include "server/service/selector.h"
#include "server/store/registry_nodes.h"

enum {
    SLICE = 1000,      /* nodes that are looked at under one lock */
    LOOK_MAX = 100000, /* for one page of a list */
};

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

bool nodes_cohort_labels(struct nodes *nodes, int64_t node_id,
                         char ret_labels[NODE_COHORT_LABELS][LABEL_BYTES])
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    for (int i = 0; node && i < NODE_COHORT_LABELS; i++) {
        const char *key = nodes->cohort_labels[i];
        const char *value = key ? node_labels_value(node->labels, key) : NULL;
        memset(ret_labels[i], 0, LABEL_BYTES);
        (void)snprintf(ret_labels[i], LABEL_BYTES, "%s", value ? value : "");
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return node != NULL;
}

int nodes_cohort_label(const struct nodes *nodes, const char *key)
{
    for (int i = 0; i < NODE_COHORT_LABELS; i++) {
        if (nodes->cohort_labels[i] && strcmp(nodes->cohort_labels[i], key) == 0) {
            return i;
        }
    }
    return -1;
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

/* A node as selectors see it. */
struct candidate {
    const struct node *node;
    char *id_text; /* 21 bytes for the id as text */
};

/* A selector's value of a node: name, arch and id before labels of those names. */
static const char *lookup(const void *context, const char *key)
{
    const struct candidate *candidate = context;
    const struct node *node = candidate->node;
    if (strcmp(key, "name") == 0) {
        return node->name;
    }
    if (strcmp(key, "arch") == 0) {
        return node->facts->arch[0] ? node->facts->arch : NULL;
    }
    if (strcmp(key, "id") == 0) {
        (void)snprintf(candidate->id_text, 21, "%lld", (long long)node->id);
        return candidate->id_text;
    }
    return node_labels_value(node->labels, key);
}

bool node_matches(const struct node *node, const struct selector *selector)
{
    char id_text[21];
    struct candidate candidate = {.node = node, .id_text = id_text};
    return selector_matches(selector, lookup, &candidate);
}

static bool copy_labels(const struct node *node, struct arena *arena,
                        struct node_view *view)
{
    struct label *labels = arena_array(arena, 2 * NODE_LABELS_MAX, sizeof *labels);
    char *packed = arena_alloc(arena, node->labels->len + 1);
    if (!labels || !packed) {
        return false;
    }
    memcpy(packed, node->labels->packed, node->labels->len);
    struct node_labels copy = {.packed = packed, .len = node->labels->len};
    struct node_label label = {.at = packed};
    const char *before = ""; /* the administrator's value stands before the node's */
    while (node_labels_next(&copy, &label) &&
           view->label_count < (size_t)2 * NODE_LABELS_MAX) {
        if (strcmp(label.key, before) != 0) {
            labels[view->label_count++] =
                (struct label){.key = label.key, .value = label.value};
        }
        before = label.key;
    }
    view->labels = labels;
    return true;
}

bool node_copy(const struct node *node, struct arena *arena, struct node_view *ret_view)
{
    const struct node_running *running = atomic_load(&node->running);
    struct node_view view = {
        .id = node->id,
        .name = arena_strdup(arena, node->name),
        .state = node->state,
        .facts = arena_strdup(arena, node->facts->json),
        .arch = arena_strdup(arena, node->facts->arch),
        .enrolled_ms = node->enrolled_ms,
        .last_seen_ms = atomic_load(&node->last_seen_ms),
        .last_report_ms = atomic_load(&node->last_report_ms),
        .queued = atomic_load(&node->queued),
        .lag_ms = atomic_load(&node->lag_ms),
        .reported = running != NULL,
    };
    if (running) {
        memcpy(view.artifact, running->key.artifact, sizeof view.artifact);
        memcpy(view.model, running->key.model, sizeof view.model);
    }
    if (!view.name || !view.facts || !view.arch || !copy_labels(node, arena, &view)) {
        return false;
    }
    *ret_view = view;
    return true;
}

/* Views that want their health, which is in the database only. */
struct healths {
    struct node_view *views;
    size_t count;
};

static enum status read_healths(void *context, struct db *db, struct err *err)
{
    struct healths *healths = context;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < healths->count; i++) {
        struct node_view *view = &healths->views[i];
        struct node_newest newest = {0};
        status = node_newest_get(db, view->id, &newest, err);
        view->predictions = newest.predictions;
        view->health = newest.health;
        view->has_derived = newest.has_derived;
        memcpy(view->derived, newest.derived, sizeof view->derived);
    }
    return status;
}

enum status nodes_read_health(struct nodes *nodes, struct node_view *views, size_t count,
                              struct err *err)
{
    struct healths healths = {.views = views, .count = count};
    return count > 0 ? changes_read(nodes->changes, read_healths, &healths, err) : OK;
}

enum status nodes_get(struct nodes *nodes, int64_t node_id, struct arena *arena,
                      struct node_view *ret_view, struct err *err)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool copied = node && node_copy(node, arena, ret_view);
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!node) {
        return err_set(err, ERR_NOT_FOUND, "there is no node %lld", (long long)node_id);
    }
    if (!copied) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a node");
    }
    return nodes_read_health(nodes, ret_view, 1, err);
}

/* A page of a list in the making. */
struct page {
    const struct nodes_query *query;
    struct arena *arena;
    struct node_view *views;
    size_t count;
    size_t looked;   /* at so many nodes */
    int64_t last_id; /* of what was looked at */
    bool end;        /* there are no more nodes */
};

/* Looks at the next nodes under one lock. False when memory ran out. */
static bool fill_slice(struct nodes *nodes, struct page *page)
{
    bool memory = true;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t from =
        page->last_id < INT64_MAX ? node_number(nodes, page->last_id + 1) : nodes->count;
    size_t end = nodes->count - from < SLICE ? nodes->count : from + SLICE;
    for (; memory && from < end && page->count < page->query->limit; from++) {
        const struct node *node = node_at(nodes, from);
        if (nodes_filter_wants(page->query->filter, node)) {
            memory = node_copy(node, page->arena, &page->views[page->count++]);
        }
        page->looked++;
        page->last_id = node->id;
    }
    page->end = from >= nodes->count;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return memory;
}

enum status nodes_list(struct nodes *nodes, const struct nodes_query *query,
                       struct arena *arena, struct nodes_page *ret_page, struct err *err)
{
    struct page page = {.query = query,
                        .arena = arena,
                        .views = arena_array(arena, query->limit, sizeof *page.views),
                        .last_id = query->after_id};
    bool memory = page.views != NULL;
    while (memory && !page.end && page.count < query->limit && page.looked < LOOK_MAX) {
        memory = fill_slice(nodes, &page);
    }
    if (!memory) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a list of nodes");
    }
    *ret_page = (struct nodes_page){
        .views = page.views, .count = page.count, .next_id = page.end ? 0 : page.last_id};
    return nodes_read_health(nodes, page.views, page.count, err);
}

/* Active nodes that match among the next ones from *from on. */
static size_t count_slice(struct nodes *nodes, const struct selector *selector,
                          size_t *from)
{
    size_t count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t end = nodes->count - *from < SLICE ? nodes->count : *from + SLICE;
    for (; *from < end; (*from)++) {
        const struct node *node = node_at(nodes, *from);
        count += node->state == NODE_ACTIVE && node_matches(node, selector);
    }
    *from = end == nodes->count ? SIZE_MAX : end;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return count;
}

size_t nodes_count_matching(struct nodes *nodes, const struct selector *selector)
{
    size_t count = 0;
    for (size_t from = 0; from != SIZE_MAX;) {
        count += count_slice(nodes, selector, &from);
    }
    return count;
}

bool nodes_match(struct nodes *nodes, int64_t node_id, const struct selector *selector)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    bool match = node && node->state == NODE_ACTIVE && node_matches(node, selector);
    (void)pthread_rwlock_unlock(&nodes->lock);
    return match;
}

void nodes_fit(struct nodes *nodes, int64_t node_id, struct fit_node *ret_node)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find(nodes, node_id);
    if (node) {
        *ret_node = node->facts->fit;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!node) {
        fit_node_parse(NULL, ret_node);
    }
}

bool nodes_by_key(struct nodes *nodes, const uint8_t public_key[static 32],
                  int64_t *ret_id, int64_t *ret_token_id)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    const struct node *node = node_find_key(nodes, public_key);
    if (node) {
        *ret_id = node->id;
        *ret_token_id = node->token_id;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return node != NULL;
}
