/* SPDX-License-Identifier: Apache-2.0 */
/* transports: what is published beside an artifact so that nodes download less: its
 * compressed form, and deltas from the versions before it.
 *
 * Only what pays is made: the compressed form when it is shorter than the artifact, a
 * delta when it has at most nine tenths of the bytes that a node would download without
 * it. A delta starts from an artifact of the same model, variant and extension with a
 * lower seq whose file is still in targets/. All of it blocks. */
#ifndef MUSTER_REPO_TRANSPORTS_H
#define MUSTER_REPO_TRANSPORTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "repo/repository.h"

enum { TRANSPORTS_LISTS_MAX = 2, TRANSPORTS_DELTAS_MAX = 16 };

/* The artifact, and where older ones are looked for. */
struct transports_order {
    const struct repository *repository;
    const struct tuf_targets *listed[TRANSPORTS_LISTS_MAX]; /* NULL: none */
    const char *model;
    const char *variant;
    const char *ext;
    const char *path; /* of the artifact */
    int64_t seq;
    const void *data;
    size_t len;
    const uint8_t *sha256; /* of the artifact, 32 bytes */
    int64_t deltas;        /* against so many versions before it at most */
};

struct transports_made {
    size_t compressed_bytes; /* 0: it did not help, there is none */
    size_t deltas;           /* how many */
    size_t delta_bytes;      /* of the shortest, 0: none */
};

/* Writes them and lists them in `body`. ERR_TUF_HASH when an older artifact is damaged.
 */
enum status transports_add(const struct transports_order *order, json_t *body,
                           struct transports_made *ret_made, struct err *err) MUST_USE;

#endif
