/* SPDX-License-Identifier: Apache-2.0 */
/* nodes: names, keys, facts, labels, state and newest report of every node.
 *
 * All nodes are in memory, read from the database at start; their health is read when it
 * is asked for. A change is committed first and made in memory then; it runs on a worker
 * and waits for the writer. What only reports and polls change (last seen, newest
 * artifact) lives in memory; last-seen times go to the database a part of the nodes at a
 * time (nodes_flush), so that a poll writes nothing and a large fleet little.
 * Thread-safe.
 */
#ifndef MUSTER_SERVER_SERVICE_NODES_H
#define MUSTER_SERVER_SERVICE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "format/report.h"

struct changes;
struct fit_node;
struct nodes;
struct nodes_filter;
struct selector;

enum {
    NODE_COHORT_LABELS = 4,
    NODE_NAME_BYTES = 129,
    NODE_LABELS_MAX = 16, /* of one source */
    LABEL_KEY_BYTES = 33,
    LABEL_BYTES = 65,
};

/* A number of a node that nobody told yet. */
#define NODE_UNTOLD INT64_MIN

enum node_state { NODE_ACTIVE, NODE_PENDING, NODE_REVOKED };

/* A label; `value` NULL where one is to be removed. */
struct label {
    const char *key, *value;
};

struct label_list {
    struct label items[NODE_LABELS_MAX];
    size_t count;
};

/* A node as it was at one moment; texts are in the caller's arena. */
struct node_view {
    int64_t id;
    const char *name;
    enum node_state state;
    const struct label *labels; /* those in effect, by key */
    size_t label_count;
    const char *facts; /* JSON object */
    const char *arch;  /* of them, "" if not said */
    int64_t enrolled_ms;
    int64_t last_seen_ms;   /* 0: never */
    int64_t last_report_ms; /* receipt of the newest report, 0: never */
    int64_t queued;         /* of the newest health; NODE_UNTOLD */
    int64_t lag_ms;         /* newest prediction to receipt; NODE_UNTOLD */
    bool reported;          /* the rest is meant */
    uint8_t artifact[32];
    char model[65];
    int64_t predictions;
    struct health health;
    bool has_derived; /* the next made the predictions of the newest report */
    uint8_t derived[32];
};

struct nodes_query {
    struct nodes_filter *filter;
    int64_t after_id; /* nodes with larger ids only */
    size_t limit;
};

/* A page of a list, by id, in the caller's arena. It may hold fewer nodes than its limit,
 * or none, and yet not be the last: one call looks at a bounded number of nodes. */
struct nodes_page {
    struct node_view *views;
    size_t count;
    int64_t next_id; /* after_id of the next page, 0: there are no more */
};

/* What an enrolling node says of itself, and what its token decides. */
struct node_order {
    const char *name;
    uint8_t public_key[32];
    const char *facts; /* JSON object */
    struct label_list declared;
    struct label_list given; /* the token's */
    int64_t token_id;
    bool pending;
};

/* Loads every node. `cohort_labels` are NODE_COHORT_LABELS keys or NULLs and must outlive
 * the nodes. Blocks. */
enum status nodes_open(struct changes *changes, const char *const *cohort_labels,
                       struct nodes **ret_nodes, struct err *err) MUST_USE;
void nodes_free(struct nodes *nodes);

/* The values of the declared cohort labels of a node, in their order; "" where the node
 * has none or fewer are declared. False for an unknown node. */
bool nodes_cohort_labels(struct nodes *nodes, int64_t node_id,
                         char ret_labels[NODE_COHORT_LABELS][LABEL_BYTES]);

/* Which of the declared cohort labels `key` is, from 0; -1: it is none. */
int nodes_cohort_label(const struct nodes *nodes, const char *key);

/* A report of this node was committed: its newest artifact, and last seen. */
void nodes_reported(struct nodes *nodes, int64_t node_id, const struct report *report,
                    int64_t received_ms);

/* The node called: last seen, in memory. */
void nodes_seen(struct nodes *nodes, int64_t node_id, int64_t at_ms);

/* Writes last-seen times that moved by a minute or more, of the next 5,000 nodes or the
 * next 120th of them; all of them, within two seconds, at the end. Block. */
enum status nodes_flush(struct nodes *nodes, struct err *err) MUST_USE;
enum status nodes_flush_all(struct nodes *nodes, struct err *err) MUST_USE;

/* Key, state and epoch of a node; false for an unknown one. */
bool nodes_identity(struct nodes *nodes, int64_t node_id,
                    uint8_t ret_public_key[static 32], enum node_state *ret_state,
                    uint32_t *ret_epoch);

/* Whether a session token of this epoch is good now: the node is active. */
bool nodes_session_good(struct nodes *nodes, int64_t node_id, uint32_t epoch);

/* One node; ERR_NOT_FOUND. Blocks. */
enum status nodes_get(struct nodes *nodes, int64_t node_id, struct arena *arena,
                      struct node_view *ret_view, struct err *err) MUST_USE;

/* Nodes by id. Blocks. */
enum status nodes_list(struct nodes *nodes, const struct nodes_query *query,
                       struct arena *arena, struct nodes_page *ret_page,
                       struct err *err) MUST_USE;

/* Fills health, predictions and derived digest of views from the database. Blocks. */
enum status nodes_read_health(struct nodes *nodes, struct node_view *views, size_t count,
                              struct err *err) MUST_USE;

/* Active nodes that a selector matches; whether one node is active and matches. */
size_t nodes_count_matching(struct nodes *nodes, const struct selector *selector);
bool nodes_match(struct nodes *nodes, int64_t node_id, const struct selector *selector);

/* What a node is, from its facts; of an unknown node nothing is told. */
void nodes_fit(struct nodes *nodes, int64_t node_id, struct fit_node *ret_node);

/* Nodes that are not revoked and whose newest report is of this artifact. */
size_t nodes_running(struct nodes *nodes, const uint8_t artifact[static 32]);

/* The node of a public key and the token that let it in; false when there is none. */
bool nodes_by_key(struct nodes *nodes, const uint8_t public_key[static 32],
                  int64_t *ret_id, int64_t *ret_token_id);

/* Enrols a new node or updates the one of this key, with the changes' lock held by the
 * caller. ERR_ENROLL_NAME_TAKEN, ERR_NODE_REVOKED. Blocks. */
enum status nodes_enroll(struct nodes *nodes, const struct node_order *order,
                         int64_t *ret_id, enum node_state *ret_state,
                         struct err *err) MUST_USE;

/* What PATCH changes: labels given by an administrator, activation. */
struct node_patch {
    struct label_list labels;
    bool activate; /* ERR_CONFLICT unless the node is pending or active */
};

/* Change a node in the name of `actor`; ERR_NOT_FOUND. Revoking twice is fine. Block. */
enum status nodes_patch(struct nodes *nodes, int64_t node_id,
                        const struct node_patch *patch, const char *actor,
                        struct err *err) MUST_USE;
enum status nodes_revoke(struct nodes *nodes, int64_t node_id, const char *actor,
                         struct err *err) MUST_USE;

/* Replaces what a node said of itself; nothing is written if it is the same. Blocks.
 * ERR_NOT_FOUND. */
enum status nodes_set_facts(struct nodes *nodes, int64_t node_id, const char *facts,
                            struct err *err) MUST_USE;

/* "active", "pending", "revoked", and back (false for another text). */
const char *node_state_name(enum node_state state);
bool node_state_parse(const char *text, enum node_state *ret_state);

#endif
