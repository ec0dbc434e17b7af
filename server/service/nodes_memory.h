/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_memory: the nodes in memory; shared by nodes.c and nodes_change.c only.
 *
 * `lock` guards everything; it is held for moments and never across a wait for disk.
 * Nodes are never removed, so a node that was found stays. */
#ifndef MUSTER_SERVER_SERVICE_NODES_MEMORY_H
#define MUSTER_SERVER_SERVICE_NODES_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "server/service/nodes.h"

struct node_label {
    char key[LABEL_KEY_BYTES];
    char value[LABEL_BYTES];
    bool admin; /* given by an administrator or the token: goes before the node's own */
};

struct node {
    int64_t id;
    char name[NODE_NAME_BYTES];
    uint8_t public_key[32];
    enum node_state state;
    uint32_t epoch;
    char *facts; /* JSON, owned */
    char arch[33];
    int64_t ram_bytes;
    int64_t enrolled_ms;
    int64_t token_id;
    char id_text[21];
    struct node_label *labels; /* owned; by key, administrator's first */
    size_t label_count;
    _Atomic int64_t last_seen_ms;
    int64_t flushed_ms; /* last seen as the database has it */
    bool reported;
    uint8_t artifact[32];
    char model[65];
    int64_t predictions;
    struct health health;
    UT_hash_handle by_name, by_key;
};

struct nodes {
    struct changes *changes;
    const char *cohort_labels[NODE_COHORT_LABELS];
    pthread_rwlock_t lock;
    struct node **items; /* by id */
    size_t count, cap;
    struct node *by_name, *by_key;
};

/* The node of an id, or NULL; with the lock. */
struct node *node_find(const struct nodes *nodes, int64_t id);

/* Adds a node that has id, name and key; takes it. Ids must grow. */
enum status node_add(struct nodes *nodes, struct node *node, struct err *err) MUST_USE;

/* Replaces name, or facts with what is read from them. */
void node_rename(struct nodes *nodes, struct node *node, const char *name);
enum status node_set_facts(struct node *node, const char *facts,
                           struct err *err) MUST_USE;

/* Sets, or with a NULL value removes (of both sources), a label. */
enum status node_set_label(struct node *node, const struct label *label, bool admin,
                           struct err *err) MUST_USE;

/* Removes what the node declared itself. */
void node_clear_declared(struct node *node);

/* The label's value in effect, or NULL. */
const char *node_label_value(const struct node *node, const char *key);

void node_free(struct node *node);

#endif
