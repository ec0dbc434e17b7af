/* SPDX-License-Identifier: Apache-2.0 */
/* nodes_search: the nodes that somebody asks for, in an order, a page at a time, and how
 * many there are.
 *
 * Each page looks once at every node, under a lock that is let go every thousand, and
 * keeps the best ones in a heap: time grows with the fleet, memory with the page only. A
 * page goes on behind the key of the last node of the one before, so nodes that come or
 * go move no page; one whose own value changes meanwhile may be met twice or not at all.
 * Nodes without a value (that never reported) are last in both directions. */
#ifndef MUSTER_SERVER_SERVICE_NODES_SEARCH_H
#define MUSTER_SERVER_SERVICE_NODES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "server/service/nodes.h"

struct nodes_filter;

enum node_sort {
    NODE_SORT_NAME, /* by bytes */
    NODE_SORT_LAST_REPORT,
    NODE_SORT_QUEUE,
    NODE_SORT_LAG,
    NODE_SORT_VERSION, /* by model, then seq */
    NODE_SORT_COUNT,
};

/* A node's place in an order. */
struct node_key {
    bool none; /* it has no such value */
    char text[NODE_NAME_BYTES];
    int64_t number;
    int64_t id;
};

struct nodes_wish {
    struct nodes_filter *filter;
    enum node_sort sort;
    bool descending;
    const struct node_key *after; /* NULL: the first page */
    size_t limit;                 /* 0: only how many */
};

struct nodes_found {
    struct node_view *views;
    size_t count;
    int64_t matching;     /* nodes on all pages */
    bool more;            /* there is another page */
    struct node_key last; /* of this page */
};

/* One page, in the arena. ERR_NO_MEMORY. Blocks. */
enum status nodes_search(struct nodes *nodes, const struct nodes_wish *wish,
                         struct arena *arena, struct nodes_found *ret_found,
                         struct err *err) MUST_USE;

/* "name", "last_report", "queue", "lag", "version", and back (false for another text). */
const char *node_sort_name(enum node_sort sort);
bool node_sort_parse(const char *text, enum node_sort *ret_sort);

/* Appends a key as a cursor of that order; reads one back, false unless it is one. */
void node_key_write(const struct node_key *key, const struct nodes_wish *wish,
                    struct buf *ret_cursor);
bool node_key_read(const char *cursor, const struct nodes_wish *wish,
                   struct node_key *ret_key);

#endif
