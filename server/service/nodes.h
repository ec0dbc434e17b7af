/* SPDX-License-Identifier: Apache-2.0 */
/* nodes: names, keys, facts, labels, state and newest report of every node.
 *
 * All nodes are in memory, read from the database at start. A change is committed first
 * and made in memory then; it runs on a worker and waits for the writer. What only
 * reports and polls change (last seen, newest report) lives in memory and goes to the
 * database in batches (nodes_flush), so that a poll writes nothing. Thread-safe. */
#ifndef MUSTER_SERVER_SERVICE_NODES_H
#define MUSTER_SERVER_SERVICE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "format/report.h"

struct nodes;

enum {
    NODE_COHORT_LABELS = 4,
    NODE_NAME_BYTES = 129,
    LABEL_KEY_BYTES = 33,
    LABEL_BYTES = 65
};

/* The values of the declared cohort labels of a node, in their order; "" where the node
 * has none or fewer are declared. False for an unknown node. */
bool nodes_cohort_labels(struct nodes *nodes, int64_t node_id,
                         char ret_labels[NODE_COHORT_LABELS][LABEL_BYTES]);

/* A report of this node was committed: its newest artifact, health and last seen. */
void nodes_reported(struct nodes *nodes, int64_t node_id, const struct report *report,
                    int64_t received_ms);

/* The node called: last seen, in memory. */
void nodes_seen(struct nodes *nodes, int64_t node_id, int64_t at_ms);

#endif
