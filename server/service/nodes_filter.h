/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_filter: which nodes somebody asks for, and what each of them runs.
 *
 * All that is set must hold. What nodes run is looked up among the artifacts once for
 * each of them and remembered, so a filter serves one request and one thread. The caller
 * holds the nodes' lock while it is asked. */
#ifndef MUSTER_SERVER_SERVICE_NODES_FILTER_H
#define MUSTER_SERVER_SERVICE_NODES_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/node_contact.h"
#include "server/service/nodes.h"

struct artifacts;
struct node;
struct node_running;
struct nodes_filter_run;

struct nodes_filter {
    const struct selector *selector; /* NULL: every node, as with those below */
    const char *text;                /* a part of the name, in any case of ASCII */
    const char *model, *version;     /* of the newest report */
    bool has_state;
    enum node_state state;
    bool has_contact; /* active nodes only */
    enum node_contact contact;
    struct contact_limits limits; /* what contact means, at this time */
    int64_t now_ms;
    /* nodes_filter_open's own */
    struct artifacts *artifacts;
    struct nodes_filter_run *runs; /* in the arena, by node_running.number */
    size_t run_count;
};

/* What a node runs. */
struct nodes_filter_run {
    bool known; /* the rest was looked up */
    bool wanted;
    int64_t seq; /* 0: never published */
};

/* Makes a filter ready that has what is asked for; all of it must outlive the filter.
 * ERR_NO_MEMORY. */
enum status nodes_filter_open(struct nodes_filter *filter, struct nodes *nodes,
                              struct artifacts *artifacts, struct arena *arena,
                              struct err *err) MUST_USE;

/* Whether a node is asked for. */
bool nodes_filter_wants(struct nodes_filter *filter, const struct node *node);

/* What this is among the artifacts. */
struct nodes_filter_run nodes_filter_run_of(struct nodes_filter *filter,
                                            const struct node_running *running);

#endif
