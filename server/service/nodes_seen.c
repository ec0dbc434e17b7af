/* SPDX-License-Identifier: Apache-2.0 */
/* What polls and reports change: last seen, and what a node runs. */
#include <string.h>

#include "base/clock.h"
#include "format/summary.h"
#include "server/service/changes.h"
#include "server/service/nodes_memory.h"
#include "server/service/tally.h"
#include "server/store/registry_nodes.h"

enum {
    FLUSH_BATCH = 500,
    FLUSH_LEAST = 5000,  /* nodes that a flush looks at */
    FLUSH_ROUNDS = 120,  /* flushes in which every node has its turn */
    FLUSH_END_MS = 2000, /* for the last one */
};

static const int64_t MOVED_MS = 60000; /* a smaller step is not worth a write */

static void seen(struct node *node, int64_t at_ms)
{
    if (atomic_load_explicit(&node->last_seen_ms, memory_order_relaxed) < at_ms) {
        atomic_store_explicit(&node->last_seen_ms, at_ms, memory_order_relaxed);
    }
}

/* With the lock for reading or writing: a revocation holds it alone. */
static void runs(struct node *node, struct node_running *running)
{
    struct node_running *before = atomic_exchange(&node->running, running);
    if (before != running && node->state != NODE_REVOKED) {
        (void)atomic_fetch_add(&running->nodes, 1);
        if (before) {
            (void)atomic_fetch_sub(&before->nodes, 1);
        }
    }
}

/* What the newest report tells beside what runs; one without predictions leaves the lag
 * of the last ones standing. */
static void told(struct node *node, const struct report *report, int64_t received_ms)
{
    seen(node, received_ms);
    atomic_store_explicit(&node->last_report_ms, received_ms, memory_order_relaxed);
    if (report->health.present) {
        bool queued = report->health.present & HEALTH_QUEUED;
        atomic_store_explicit(&node->queued, queued ? report->health.queued : NODE_UNTOLD,
                              memory_order_relaxed);
    }
    if (report->summary || report->rows > 0) {
        int64_t at_ms =
            report->summary ? report->summary->to_ms : report->at_ms[report->rows - 1];
        atomic_store_explicit(&node->lag_ms, tally_lag_ms(received_ms, at_ms),
                              memory_order_relaxed);
    }
}

void nodes_reported(struct nodes *nodes, int64_t node_id, const struct report *report,
                    int64_t received_ms)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    struct node *node = node_find(nodes, node_id);
    struct node_running *running =
        node_running_find(nodes, report->artifact, report->model);
    if (node && running) {
        runs(node, running);
    }
    if (node) {
        told(node, report, received_ms);
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    if (!node || running) {
        return;
    }
    /* The first report of this artifact. What memory cannot hold is found at the next
     * start. */
    (void)pthread_rwlock_wrlock(&nodes->lock);
    running = node_running_put(nodes, report->artifact, report->model);
    if (running) {
        runs(node, running);
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

size_t nodes_running(struct nodes *nodes, const uint8_t artifact[static 32])
{
    int64_t count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (struct node_running *it = nodes->running; it; it = it->hh.next) {
        if (memcmp(it->key.artifact, artifact, sizeof it->key.artifact) == 0) {
            count += atomic_load(&it->nodes);
        }
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return count > 0 ? (size_t)count : 0;
}

/* ---- last-seen times on their way to the database -----------------------------------
 */

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

/* Gathers nodes from number `from` up to `end` whose time moved by at least `moved_ms`;
 * returns where to go on. */
static size_t gather(struct nodes *nodes, size_t from, size_t end, int64_t moved_ms,
                     struct flush *flush)
{
    flush->count = 0;
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (; from < end && flush->count < FLUSH_BATCH; from++) {
        const struct node *node = node_at(nodes, from);
        int64_t last_seen_ms = atomic_load(&node->last_seen_ms);
        if (last_seen_ms - node->flushed_ms >= moved_ms) {
            flush->items[flush->count].id = node->id;
            flush->items[flush->count++].last_seen_ms = last_seen_ms;
        }
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
    return from;
}

static void mark_flushed(struct nodes *nodes, const struct flush *flush)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    for (size_t i = 0; i < flush->count; i++) {
        node_find(nodes, flush->items[i].id)->flushed_ms = flush->items[i].last_seen_ms;
    }
    (void)pthread_rwlock_unlock(&nodes->lock);
}

static enum status write_batch(struct nodes *nodes, struct flush *flush, struct err *err)
{
    if (flush->count == 0) {
        return OK;
    }
    enum status status = changes_commit(nodes->changes, write_flush, flush, err);
    if (status == OK) {
        mark_flushed(nodes, flush);
    }
    return status;
}

static size_t count_nodes(struct nodes *nodes)
{
    (void)pthread_rwlock_rdlock(&nodes->lock);
    size_t count = nodes->count;
    (void)pthread_rwlock_unlock(&nodes->lock);
    return count;
}

static enum status flush_part(struct nodes *nodes, struct err *err)
{
    struct flush flush;
    size_t count = count_nodes(nodes);
    size_t share =
        count / FLUSH_ROUNDS > FLUSH_LEAST ? count / FLUSH_ROUNDS : FLUSH_LEAST;
    size_t from = nodes->flush_from < count ? nodes->flush_from : 0;
    size_t end = count - from < share ? count : from + share;
    enum status status = OK;
    while (status == OK && from < end) {
        from = gather(nodes, from, end, MOVED_MS, &flush);
        status = write_batch(nodes, &flush, err);
        nodes->flush_from = status == OK ? from : nodes->flush_from;
    }
    return status;
}

static enum status flush_all(struct nodes *nodes, struct err *err)
{
    struct flush flush;
    int64_t until_ms = clock_mono_ms() + FLUSH_END_MS;
    size_t count = count_nodes(nodes);
    enum status status = OK;
    for (size_t from = 0; status == OK && from < count && clock_mono_ms() < until_ms;) {
        from = gather(nodes, from, count, 1, &flush);
        status = write_batch(nodes, &flush, err);
    }
    return status;
}

enum status nodes_flush(struct nodes *nodes, struct err *err)
{
    (void)pthread_mutex_lock(&nodes->flush_lock);
    enum status status = flush_part(nodes, err);
    (void)pthread_mutex_unlock(&nodes->flush_lock);
    return status;
}

enum status nodes_flush_all(struct nodes *nodes, struct err *err)
{
    (void)pthread_mutex_lock(&nodes->flush_lock);
    enum status status = flush_all(nodes, err);
    (void)pthread_mutex_unlock(&nodes->flush_lock);
    return status;
}
