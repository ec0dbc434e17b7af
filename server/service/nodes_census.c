/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/nodes_census.h"

#include <string.h>

#include "server/service/nodes_memory.h"

enum { SLICE = 1000 }; /* nodes that are counted under one lock */

const int64_t census_lags_ms[CENSUS_LAGS] = {10000, 60000, 600000, 3600000};

/* What a current node is behind by. */
static void count_behind(const struct node *node, struct nodes_census *census)
{
    int64_t queued = atomic_load_explicit(&node->queued, memory_order_relaxed);
    int64_t lag_ms = atomic_load_explicit(&node->lag_ms, memory_order_relaxed);
    if (queued != NODE_UNTOLD && queued > 0) {
        if (__builtin_add_overflow(census->queued, queued, &census->queued)) {
            census->queued = INT64_MAX;
        }
        census->queued_nodes++;
    }
    for (int i = 0; i < CENSUS_LAGS; i++) {
        census->lagging[i] += lag_ms != NODE_UNTOLD && lag_ms > census_lags_ms[i];
    }
}

/* Counts the next nodes from number `from` on; returns where to go on. */
static size_t count_slice(struct nodes *nodes, size_t from, int64_t now_ms,
                          const struct contact_limits *limits,
                          struct nodes_census *census)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t end = nodes->count - from < SLICE ? nodes->count : from + SLICE;
    for (; from < end; from++) {
        const struct node *node = node_at(nodes, from);
        int64_t seen_ms = atomic_load_explicit(&node->last_seen_ms, memory_order_relaxed);
        census->total++;
        census->by_state[node->state]++;
        if (node->state == NODE_ACTIVE) {
            enum node_contact contact = node_contact_of(limits, seen_ms, now_ms);
            census->by_contact[contact]++;
            if (contact == CONTACT_CURRENT) {
                count_behind(node, census);
            }
        }
    }
    from = end == nodes->count ? SIZE_MAX : end;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return from;
}

void nodes_count(struct nodes *nodes, int64_t now_ms, const struct contact_limits *limits,
                 struct nodes_census *ret_census)
{
    struct nodes_census census = {0};
    for (size_t from = 0; from != SIZE_MAX;) {
        from = count_slice(nodes, from, now_ms, limits, &census);
    }
    *ret_census = census;
}

enum status nodes_runs(struct nodes *nodes, struct arena *arena,
                       struct node_run **ret_items, size_t *ret_count, struct err *err)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t count = 0;
    struct node_run *items =
        arena_array(arena, HASH_COUNT(nodes->running) + 1, sizeof *items);
    for (struct node_running *it = items ? nodes->running : NULL; it; it = it->hh.next) {
        int64_t running = atomic_load(&it->nodes);
        if (running > 0) {
            memcpy(items[count].artifact, it->key.artifact, sizeof items->artifact);
            memcpy(items[count].model, it->key.model, sizeof items->model);
            items[count++].nodes = running;
        }
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!items) {
        return err_set(err, ERR_NO_MEMORY, "no memory for what nodes run");
    }
    *ret_items = items;
    *ret_count = count;
    return OK;
}
