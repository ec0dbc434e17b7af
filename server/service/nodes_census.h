/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_census: how many nodes there are of what kind, from memory.
 *
 * A look at each node, some nanoseconds, under a lock that is let go every thousand. */
#ifndef MUSTER_SERVER_SERVICE_NODES_CENSUS_H
#define MUSTER_SERVER_SERVICE_NODES_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/node_contact.h"
#include "server/service/nodes.h"

enum { CENSUS_LAGS = 4 };

/* Above 10 s, 1 min, 10 min, 1 h. */
extern const int64_t census_lags_ms[CENSUS_LAGS];

struct nodes_census {
    int64_t total;
    int64_t by_state[NODE_REVOKED + 1];
    int64_t by_contact[CONTACT_COUNT]; /* of the active ones */
    /* Of the active ones that are current: what a silent node told last is old. */
    int64_t queued, queued_nodes; /* batches that wait; nodes where one does */
    int64_t lagging[CENSUS_LAGS]; /* whose newest report came later than that */
};

/* Nodes that are not revoked, by the artifact and model of their newest report. */
struct node_run {
    uint8_t artifact[32];
    char model[65];
    int64_t nodes;
};

/* Counts every node. */
void nodes_count(struct nodes *nodes, int64_t now_ms, const struct contact_limits *limits,
                 struct nodes_census *ret_census);

/* What runs on at least one node, in the arena. ERR_NO_MEMORY. */
enum status nodes_runs(struct nodes *nodes, struct arena *arena,
                       struct node_run **ret_items, size_t *ret_count,
                       struct err *err) MUST_USE;

#endif
