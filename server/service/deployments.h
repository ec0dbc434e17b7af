/* SPDX-License-Identifier: Apache-2.0 */
/* deployments: "run this version on these nodes", and what a node is told.
 *
 * For each model the newest deployment whose selector matches the node decides; when its
 * version is withdrawn, below the floor or has no variant for the node's hardware, the
 * node is told nothing of that model and keeps what it has. All in memory: a poll reads
 * no database and writes none. Thread-safe; changes block. */
#ifndef MUSTER_SERVER_SERVICE_DEPLOYMENTS_H
#define MUSTER_SERVER_SERVICE_DEPLOYMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/service/artifacts.h"

struct changes;
struct deployments;
struct nodes;

enum { ASSIGNMENTS_MAX = 64 };

struct deployment_info {
    int64_t id;
    char model[65];
    int64_t seq;
    const char *selector; /* as written; in the arena it was asked with */
    int64_t created_ms;
    char created_by[129];
};

/* Loads what is in force. `artifacts` and `nodes` must outlive it. Blocks. */
enum status deployments_open(struct changes *changes, struct artifacts *artifacts,
                             struct nodes *nodes, struct deployments **ret_deployments,
                             struct err *err) MUST_USE;
void deployments_free(struct deployments *deployments);

/* Makes a deployment of a version; fills `info` (selector stays the caller's) and how
 * many active nodes match. ERR_MODEL_*, ERR_SELECTOR_SYNTAX. `info` has model, selector
 * and created_by. Blocks. */
enum status deployments_create(struct deployments *deployments, const char *version,
                               struct deployment_info *info, size_t *ret_matching,
                               struct err *err) MUST_USE;

/* Takes one back. ERR_NOT_FOUND. Blocks. */
enum status deployments_remove(struct deployments *deployments, int64_t id,
                               const char *actor, struct err *err) MUST_USE;

/* At most `limit` deployments with ids below `before_id`, newest first, in the arena. */
enum status deployments_list(struct deployments *deployments, int64_t before_id,
                             size_t limit, struct arena *arena,
                             struct deployment_info **ret_items,
                             size_t *ret_count) MUST_USE;

/* What a deployment offers a node, and what becomes of each variant there. */
struct node_offer {
    char model[65], version[65];
    int64_t seq;
    char offered[65]; /* variant; "": none, the node keeps what it has */
    struct artifact_fit *variants;
    size_t variant_count; /* 0: the version was withdrawn */
    struct deployment_info deployment;
};

/* What a node shall run, one artifact a model, by model; returns how many. */
size_t deployments_assign(struct deployments *deployments, int64_t node_id,
                          struct artifact_info ret_items[static ASSIGNMENTS_MAX]);

/* Why: for each model that a deployment decides, every variant with its verdict, in the
 * arena. ERR_NO_MEMORY. */
enum status deployments_judge(struct deployments *deployments, int64_t node_id,
                              struct arena *arena, struct node_offer **ret_offers,
                              size_t *ret_count) MUST_USE;

#endif
