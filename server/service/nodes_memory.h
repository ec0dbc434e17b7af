/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_memory: the nodes in memory; shared by the files nodes*.c only.
 *
 * A node takes about 195 bytes, indexes included, so that a million fit anywhere: records
 * stand in blocks by id, two tables of 4-byte numbers find them by name and by key, and
 * what many nodes have in common (facts, label sets, the artifact that runs) is kept
 * once. Health stays in the database. `lock` guards everything but the atomics; it is
 * held for moments and never across a wait for disk. Nodes are never removed, so a node
 * that was found stays. */
#ifndef MUSTER_SERVER_SERVICE_NODES_MEMORY_H
#define MUSTER_SERVER_SERVICE_NODES_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/service/node_texts.h"
#include "server/service/nodes.h"
#include "server/service/table.h"

enum { NODE_BLOCK = 1024 };

/* What nodes run, by their newest report: one for each artifact and model name. */
struct node_running {
    struct {
        uint8_t artifact[32];
        char model[65]; /* zero to its end */
    } key;
    size_t number;         /* in order of their making */
    _Atomic int64_t nodes; /* that are not revoked */
    UT_hash_handle hh;
};

struct node {
    int64_t id;
    uint8_t public_key[32];
    char *name;                       /* owned */
    const struct node_facts *facts;   /* one reference */
    const struct node_labels *labels; /* one reference */
    int64_t enrolled_ms;
    int64_t token_id;
    _Atomic int64_t last_seen_ms;
    _Atomic int64_t last_report_ms, queued, lag_ms; /* as in struct node_view */
    int64_t flushed_ms; /* last seen as the database has it; with flush_lock */
    _Atomic(struct node_running *) running; /* NULL: never reported */
    uint32_t epoch;
    enum node_state state;
};

/* Numbers of nodes in `blocks`, by a hash that the caller computes. */
struct node_index {
    uint32_t *slots; /* open addressing: number + 1, 0: free */
    size_t capacity; /* a power of two, or 0 */
};

struct nodes {
    struct changes *changes;
    const char *cohort_labels[NODE_COHORT_LABELS];
    uint64_t seed; /* of the hashes, so that nobody can choose names that collide */
    pthread_rwlock_t lock;
    struct node **blocks; /* NODE_BLOCK each, by id */
    size_t count, block_cap;
    struct node_index by_name, by_key;
    struct node_running *running;
    struct node_texts texts;
    pthread_mutex_t flush_lock; /* one flush at a time; taken before `lock` */
    size_t flush_from;          /* where the next one goes on */
};

/* The node of a number below `count`, and the number of the first node with an id of at
 * least `id` (`count` if there is none). With the lock, like all of these. */
struct node *node_at(const struct nodes *nodes, size_t number);
size_t node_number(const struct nodes *nodes, int64_t id);

/* The node of an id, of a key, of a name, or NULL. */
struct node *node_find(const struct nodes *nodes, int64_t id);
struct node *node_find_key(const struct nodes *nodes,
                           const uint8_t public_key[static 32]);
struct node *node_find_name(const struct nodes *nodes, const char *name);

/* Makes room for so many nodes at once, which is faster than by and by. */
enum status nodes_reserve(struct nodes *nodes, size_t count, struct err *err) MUST_USE;

/* Adds a node that has id, name, key, facts and labels: moves its contents, which the
 * caller gives up. Ids must grow. ERR_NO_MEMORY changes nothing. */
enum status node_add(struct nodes *nodes, const struct node *node,
                     struct err *err) MUST_USE;

/* Gives the node a name of the heap, which it takes. */
void node_rename(struct nodes *nodes, struct node *node, char *name);

/* What runs: found, or NULL; found or made, or NULL when memory ran out. */
struct node_running *node_running_find(const struct nodes *nodes,
                                       const uint8_t artifact[static 32],
                                       const char *model);
struct node_running *node_running_put(struct nodes *nodes,
                                      const uint8_t artifact[static 32],
                                      const char *model);

/* Whether a selector matches; a copy of the node without its health, false when memory
 * ran out. */
bool node_matches(const struct node *node, const struct selector *selector);
bool node_copy(const struct node *node, struct arena *arena, struct node_view *ret_view);

/* Frees what the node owns, not the node. */
void node_release(struct nodes *nodes, struct node *node);

#endif
