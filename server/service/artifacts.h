/* SPDX-License-Identifier: Apache-2.0 */
/* artifacts: what is known of every artifact ever published, by digest and by version.
 *
 * Filled from the database at start and from verified targets at each publication; what
 * was withdrawn stays known, because nodes may still run it and report. All of it is in
 * memory; every function is thread-safe and never waits for disk unless it says so. */
#ifndef MUSTER_SERVER_SERVICE_ARTIFACTS_H
#define MUSTER_SERVER_SERVICE_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "tuf/fit.h"

struct artifacts;
struct changes;
struct db;
struct tuf_targets;

struct artifact_info {
    uint8_t sha256[32];
    char model[65];
    char version[65];
    int64_t seq;
    char variant[65];
    char path[256];     /* of the target: "fashion/2/fp32.mnet" */
    size_t class_count; /* 0: not a classifier, or not said */
    uint64_t length;    /* bytes */
    int64_t ram_bytes;  /* needed while inferring, 0: not said */
    int64_t published_ms;
    bool listed; /* in the targets that are published now */
};

struct model_info {
    char model[65];
    char task[33];
    int64_t floor;      /* lowest seq that may be activated */
    int64_t newest_seq; /* highest listed seq, 0: none */
    char newest_version[65];
    size_t versions; /* listed now */
};

/* Whether this artifact was ever published, and what it is. Of several targets with the
 * same bytes the highest seq answers. */
bool artifacts_find(struct artifacts *artifacts, const uint8_t sha256[static 32],
                    struct artifact_info *ret_info);

/* The class names of an artifact, in the arena; *ret_count 0 when there are none. False
 * when the artifact is unknown or memory ran out. */
bool artifacts_classes(struct artifacts *artifacts, const uint8_t sha256[static 32],
                       struct arena *arena, const char *const **ret_names,
                       size_t *ret_count);

/* The artifacts of a model (NULL: of every one), by seq and variant, in the arena;
 * withdrawn ones too. */
enum status artifacts_select(struct artifacts *artifacts, const char *model,
                             struct arena *arena, struct artifact_info **ret_items,
                             size_t *ret_count, struct err *err) MUST_USE;

/* The models in order of name behind `after` ("" from the start), at most `limit`, in the
 * arena. */
enum status artifacts_models(struct artifacts *artifacts, const char *after, size_t limit,
                             struct arena *arena, struct model_info **ret_items,
                             size_t *ret_count) MUST_USE;

/* One model; ERR_MODEL_UNKNOWN. */
enum status artifacts_model(struct artifacts *artifacts, const char *model,
                            struct model_info *ret_info, struct err *err) MUST_USE;

/* The seq of a listed version that may be activated; ERR_MODEL_UNKNOWN,
 * ERR_MODEL_BELOW_FLOOR. */
enum status artifacts_version(struct artifacts *artifacts, const char *model,
                              const char *version, int64_t *ret_seq,
                              struct err *err) MUST_USE;

/* The version of a seq, listed or withdrawn; false when it was never published. */
bool artifacts_version_name(struct artifacts *artifacts, const char *model, int64_t seq,
                            char ret_version[static 65]);

/* What a node needs to run. */
struct artifact_wish {
    const char *model;
    int64_t seq;
    const struct fit_node *node; /* what it is */
};

/* The best listed artifact of that version that runs on the node, unless the version is
 * below the floor: a native format before a foreign one, then the smallest (so int8
 * before fp32). False when there is none. */
bool artifacts_choose(struct artifacts *artifacts, const struct artifact_wish *wish,
                      struct artifact_info *ret_info);

/* A listed variant and what becomes of it on a node. */
struct artifact_fit {
    struct artifact_info info;
    struct fit fit;
};

/* Every listed variant of that version with its verdict, in the arena. ERR_NO_MEMORY. */
enum status artifacts_judge(struct artifacts *artifacts, const struct artifact_wish *wish,
                            struct arena *arena, struct artifact_fit **ret_items,
                            size_t *ret_count) MUST_USE;

/* Loads what was ever published. Blocks. */
enum status artifacts_open(struct changes *changes, struct artifacts **ret_artifacts,
                           struct err *err) MUST_USE;
void artifacts_free(struct artifacts *artifacts);

/* Lists exactly what verified targets list: first in the database, on the writer, then,
 * once that is committed, in memory. Floors only rise. */
enum status artifacts_write_listing(struct db *db, const struct tuf_targets *targets,
                                    int64_t published_ms, struct err *err) MUST_USE;
enum status artifacts_list(struct artifacts *artifacts, const struct tuf_targets *targets,
                           int64_t published_ms, struct err *err) MUST_USE;

#endif
