/* SPDX-License-Identifier: Apache-2.0 */
/* registry_nodes: the statements of nodes and their labels.
 *
 * Writing functions run on the writer inside its transaction. Loading ones hand out every
 * row in order; texts in a row live only during the call, and an error of `each` ends it.
 */
#ifndef MUSTER_SERVER_STORE_REGISTRY_NODES_H
#define MUSTER_SERVER_STORE_REGISTRY_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/report.h"

struct db;

struct node_row {
    int64_t id;
    const char *name;
    uint8_t public_key[32];
    const char *state; /* "active", "pending", "revoked" */
    int64_t epoch;
    const char *facts; /* JSON object */
    int64_t enrolled_ms;
    int64_t token_id;     /* of the enrolment token, 0: none */
    int64_t last_seen_ms; /* 0: never */
};

struct node_label_row {
    int64_t node_id;
    const char *key, *source, *value; /* source: "admin" or "node" */
};

/* A node's newest report. */
struct node_reported_row {
    int64_t node_id, report_ms;
    const char *model;
    uint8_t artifact[32];
    bool has_queued;
    int64_t queued; /* of its newest health */
};

/* Inserts a node (its id is ignored) and tells its id. ERR_EXISTS for a name or key that
 * is taken. */
enum status node_row_insert(struct db *db, const struct node_row *row, int64_t *ret_id,
                            struct err *err) MUST_USE;

/* Replaces name, state, epoch and facts of a node. */
enum status node_row_update(struct db *db, const struct node_row *row,
                            struct err *err) MUST_USE;

/* Notes when a node was last seen. */
enum status node_row_seen(struct db *db, int64_t id, int64_t last_seen_ms,
                          struct err *err) MUST_USE;

/* Sets a label of one source; removes a label of both; removes all of one source. */
enum status node_label_put(struct db *db, const struct node_label_row *row,
                           struct err *err) MUST_USE;
enum status node_label_remove(struct db *db, int64_t node_id, const char *key,
                              struct err *err) MUST_USE;
enum status node_labels_clear(struct db *db, int64_t node_id, const char *source,
                              struct err *err) MUST_USE;

/* At least as many as there are nodes. */
enum status node_rows_count(struct db *db, int64_t *ret_count, struct err *err) MUST_USE;

/* Every node, by id. */
enum status node_rows_load(struct db *db,
                           enum status (*each)(void *context, const struct node_row *row,
                                               struct err *err),
                           void *context, struct err *err) MUST_USE;

/* Every label, by node and key. */
enum status node_labels_load(struct db *db,
                             enum status (*each)(void *context,
                                                 const struct node_label_row *row,
                                                 struct err *err),
                             void *context, struct err *err) MUST_USE;

/* What the newest reports of a node say. */
struct node_newest {
    int64_t predictions; /* in all */
    struct health health;
    bool has_derived; /* the next made the predictions of the newest one */
    uint8_t derived[32];
};

/* Zeros before its first report. */
enum status node_newest_get(struct db *db, int64_t node_id,
                            struct node_newest *ret_newest, struct err *err) MUST_USE;

/* The newest report of every node that ever reported, by id. */
enum status node_reported_load(struct db *db,
                               enum status (*each)(void *context,
                                                   const struct node_reported_row *row,
                                                   struct err *err),
                               void *context, struct err *err) MUST_USE;

/* How late the last prediction, or the summary, of each of the newest 100,000 reports
 * came, the newest first; a node may come again. */
enum status node_lags_load(struct db *db,
                           enum status (*each)(void *context, int64_t node_id,
                                               int64_t lag_ms, struct err *err),
                           void *context, struct err *err) MUST_USE;

#endif
