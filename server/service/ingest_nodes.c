/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service/ingest_nodes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/reports.h"

static_assert((int)DEDUPE_RING_BYTES == (int)STREAM_RING_BYTES, "one form of the ring");

void ingest_nodes_init(struct ingest_nodes *nodes, size_t most)
{
    *nodes = (struct ingest_nodes){.most = most};
}

static void node_free(struct ingest_node *node)
{
    assert(!node->pending);
    free(node->streams);
    free(node);
}

static void drop(void *value)
{
    node_free(value);
}

/* A promoted node lives on in what is the old generation from now on. */
static void drop_unless_promoted(void *value)
{
    struct ingest_node *node = value;
    if (node->promoted) {
        node->promoted = false;
    } else {
        node_free(node);
    }
}

void ingest_nodes_release(struct ingest_nodes *nodes)
{
    id_map_release(&nodes->old, drop_unless_promoted);
    id_map_release(&nodes->young, drop);
}

static enum status restore_stream(void *context, const struct stream_row *row,
                                  struct err *err)
{
    if (!dedupe_restore(context, row->stream, row->highest, row->ring)) {
        return err_set(err, ERR_DB_CORRUPT, "node %lld has more than four streams",
                       (long long)row->node_id);
    }
    return OK;
}

static enum status make(int64_t node_id, const struct dedupe *dedupe,
                        struct ingest_node **ret_node, struct err *err)
{
    size_t bytes = (size_t)dedupe->count * sizeof dedupe->streams[0];
    struct ingest_node *node = calloc(1, sizeof *node);
    struct dedupe_stream *streams = bytes > 0 ? malloc(bytes) : NULL;
    if (!node || (bytes > 0 && !streams)) {
        free(node);
        free(streams);
        return err_set(err, ERR_NO_MEMORY, "no memory for the streams of a node");
    }
    if (streams) {
        memcpy(streams, dedupe->streams, bytes);
    }
    *node = (struct ingest_node){
        .node_id = node_id, .streams = streams, .count = dedupe->count};
    *ret_node = node;
    return OK;
}

static enum status read_node(struct ingest_nodes *nodes, struct db *db, int64_t node_id,
                             struct ingest_node **ret_node, struct err *err)
{
    struct dedupe dedupe = {0};
    struct ingest_node *node = NULL;
    enum status status = streams_load(db, node_id, restore_stream, &dedupe, err);
    if (status == OK) {
        status = make(node_id, &dedupe, &node, err);
    }
    if (status != OK) {
        return status;
    }
    status = id_map_put(&nodes->young, node_id, node, err);
    if (status != OK) {
        node_free(node);
        return status;
    }
    *ret_node = node;
    return OK;
}

enum status ingest_nodes_get(struct ingest_nodes *nodes, struct db *db, int64_t node_id,
                             struct ingest_node **ret_node, struct err *err)
{
    struct ingest_node *node = id_map_get(&nodes->young, node_id);
    if (node) {
        *ret_node = node;
        return OK;
    }
    node = id_map_get(&nodes->old, node_id);
    if (!node) {
        return read_node(nodes, db, node_id, ret_node, err);
    }
    enum status status = id_map_put(&nodes->young, node_id, node, err);
    if (status == OK) {
        node->promoted = true;
        *ret_node = node;
    }
    return status;
}

void ingest_nodes_age(struct ingest_nodes *nodes)
{
    if (nodes->young.count * 2 >= nodes->most) {
        id_map_release(&nodes->old, drop_unless_promoted);
        nodes->old = nodes->young;
        nodes->young = (struct id_map){0};
    }
}
