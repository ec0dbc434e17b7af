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

struct artifacts;
struct store;

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

/* The digests of the artifacts of a model (NULL: every model) and, unless NULL, of one
 * version, in the arena; withdrawn ones too. */
enum status artifacts_select(struct artifacts *artifacts, const char *model,
                             const char *version, struct arena *arena,
                             const struct artifact_info **ret_items, size_t *ret_count,
                             struct err *err) MUST_USE;

#endif
