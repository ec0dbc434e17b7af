/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_nodes: the streams of the nodes that reported lately, as they are committed.
 *
 * A node's streams are read from the database when it reports and is not here (one
 * indexed SELECT, a few microseconds), so neither the start nor the memory of a server
 * grows with the nodes that are merely registered. Two generations of at most half of
 * INGEST_NODES_MAX nodes each: what is not asked for while the young one fills is
 * forgotten with the old one. Writer thread only. */
#ifndef MUSTER_SERVER_SERVICE_INGEST_NODES_H
#define MUSTER_SERVER_SERVICE_INGEST_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/service/dedupe.h"
#include "server/service/id_map.h"

struct db;
struct pending;

enum { INGEST_NODES_MAX = 65536 }; /* about 400 bytes each */

struct ingest_node {
    int64_t node_id;
    struct dedupe_stream *streams; /* heap; lowest first */
    int count;
    bool promoted;           /* in the young generation and still in the old one */
    struct pending *pending; /* ingest's: changes in the running transaction, or NULL */
};

struct ingest_nodes {
    struct id_map young, old; /* struct ingest_node by node id */
    size_t most;              /* of both together */
};

/* Empty, for at most `most` nodes. */
void ingest_nodes_init(struct ingest_nodes *nodes, size_t most);
void ingest_nodes_release(struct ingest_nodes *nodes);

/* The node, read from the database if it is not here; it stays until ingest_nodes_age.
 * ERR_NO_MEMORY, ERR_DB_CORRUPT, ERR_DB; a failure changes nothing. */
enum status ingest_nodes_get(struct ingest_nodes *nodes, struct db *db, int64_t node_id,
                             struct ingest_node **ret_node, struct err *err) MUST_USE;

/* Between transactions: forgets the old generation once the young one is full. */
void ingest_nodes_age(struct ingest_nodes *nodes);

#endif
